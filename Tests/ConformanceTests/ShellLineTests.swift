import BokbokConformance
import Foundation
import Testing

/// The shell of a testee's command line must not stand between the kit and the testee.
@Suite struct ShellLineTests {
  @Test(arguments: [
    ("python3 testee.py", #"exec python3 testee.py "$@""#),
    ("cd peers && python3 testee.py", #"cd peers && exec python3 testee.py "$@""#),
    ("cd 'a; b'; ./testee --fast", #"cd 'a; b'; exec ./testee --fast "$@""#),
    ("PYTHONPATH=. python3 testee.py", #"exec env PYTHONPATH=. python3 testee.py "$@""#),
    ("exec python3 testee.py", #"exec python3 testee.py "$@""#),
    (#"./testee "a && b" c\;d"#, #"exec ./testee "a && b" c\;d "$@""#),
    ("\n./testee", "\nexec ./testee \"$@\""),
    ("(cd peers; ./testee)", #"(cd peers; ./testee) "$@""#),
    ("while read line; do echo $line; done", #"while read line; do echo $line; done "$@""#),
    ("./testee 2>log", #"./testee 2>log "$@""#),
    ("./testee 'open", #"./testee 'open "$@""#),
  ])
  func theLastCommandTakesThePlaceOfTheShell(line: String, expected: String) {
    #expect(ShellLine(line).replacedByLastCommand == expected)
  }

  @Test(arguments: ["sh -c 'echo $PPID'", "cd / && sh -c 'echo $PPID'", "A=1 sh -c 'echo $PPID'"])
  func theProcessThatWasStartedIsTheTestee(line: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", ShellLine(line).replacedByLastCommand, "testee"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    process.waitUntilExit()
    let parent = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    #expect(parent == "\(ProcessInfo.processInfo.processIdentifier)\n")
  }
}
