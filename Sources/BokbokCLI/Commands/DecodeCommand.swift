internal import ArgumentParser
internal import BokbokConformance

/// `bokbok decode`: explains bytes of a connection.
struct DecodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode",
    abstract: "Explain a recording, or bytes that one side of a connection sent.",
    discussion: """
      Prints a line for each part: its offset, its first bytes and its meaning, and, where the bytes break the protocol, \
      the clause of the specification that they break. What only the other direction shows, such as an answer that \
      nobody asked for, is not judged; sealed records are shown as they are.

      A recording of bokbok record is known by its first line; both directions are then shown in the order in which \
      each part was whole: the number of the connection, microseconds, the side, and the same again. Sealed sessions in it \
      are opened with the user's key and a side's key log, or by the recorder itself (bokbok record --user).

      The exit status is 65 if the bytes break a clause.
      """
  )

  @Argument(help: "The file with the bytes; - or nothing is standard input.", completion: .file())
  var file = "-"

  @Flag(help: "The file holds hexadecimal digits, with white space wherever it likes.")
  var hex = false

  @Option(help: "Whose bytes they are: \(Side.names).")
  var side: Side = .client

  @Option(help: "What the first byte belongs to: \(Start.names). A preamble begins a connection.")
  var start: Start = .preamble

  @OptionGroup var keyOptions: SessionKeyOptions

  @Flag(help: "Print JSON, a line for each part: offset, depth, hex, meaning and, if one is broken, clause.")
  var json = false

  enum Side: String, ExpressibleByArgument, CaseIterable {
    case client, server

    static let names = allCases.map(\.rawValue).joined(separator: " or ")
    var sender: Annotator.Sender { self == .client ? .client : .server }
  }

  enum Start: String, ExpressibleByArgument, CaseIterable {
    case preamble, records, frames, value

    static let names = allCases.map(\.rawValue).joined(separator: ", ")
    var start: Annotator.Start {
      switch self {
      case .preamble: .preamble
      case .records: .records
      case .frames: .frames
      case .value: .value
      }
    }
  }

  private static let byteCountMax = 256 * 1024 * 1024

  func run() throws {
    let bytes = try readBytes()
    if !hex, Recording.begins(bytes) { return try explainRecording(bytes) }
    guard !bytes.starts(with: #"{"capsule":"#.utf8) else {
      throw CommandFailure(.dataError, "This is a capsule: bokbok conformance replay \(file) shows what passed.")
    }
    let annotations = Annotator(sender: side.sender, start: start.start).annotate(bytes)
    for annotation in annotations {
      try StandardStream.output.write((json ? DecodeCommand.json(annotation) : annotation.line) + "\n")
    }
    try throwIfBroken(annotations, hint: hint(for: bytes))
  }

  private func explainRecording(_ bytes: [UInt8]) throws {
    let recording: Recording
    let keys: SessionSecrets.Keys?
    do {
      recording = try Recording(bytes, name: file)
      keys = try keyOptions.keys()
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw CommandFailure(.dataError, "The recording cannot be read: \(error).")
    }
    let lines = RecordingText(recording, keys: keys).lines
    for line in lines {
      try StandardStream.output.write((json ? DecodeCommand.json(line) : line.line) + "\n")
    }
    if !recording.isComplete {
      StandardStream.error.writeOrIgnore("The recording has no footer: it was cut off, or goes on.\n")
    }
    try throwIfBroken(lines.compactMap(\.annotation))
  }

  /// What may be the matter with bytes that are none of the protocol's.
  private func hint(for bytes: [UInt8]) -> String {
    let areDigits = !hex && DecodeCommand.digits(in: bytes).allSatisfy(\.isHexadecimalDigit)
    return areDigits ? " They look like hexadecimal digits: give --hex." : ""
  }

  private func throwIfBroken(_ annotations: [Annotation], hint: @autoclosure () -> String = "") throws {
    let brokenClauses = annotations.compactMap(\.clause)
    if !brokenClauses.isEmpty {
      throw CommandFailure(
        .dataError,
        "The bytes break the protocol: \(brokenClauses.joined(separator: ", "))." + hint()
      )
    }
  }

  private func readBytes() throws(CommandFailure) -> [UInt8] {
    let bytes =
      file == "-"
      ? try StandardStream.input.readToEnd(byteCountMax: DecodeCommand.byteCountMax)
      : try POSIXFile.contents(of: file, byteCountMax: DecodeCommand.byteCountMax)
    guard hex else { return bytes }
    guard let decoded = Hexadecimal.bytes(String(decoding: DecodeCommand.digits(in: bytes), as: UTF8.self)) else {
      throw CommandFailure(
        .dataError,
        "The input is not hexadecimal: pairs of the digits 0-9 and a-f with white space between. "
          + "Leave out --hex for bytes as they are."
      )
    }
    return decoded
  }

  /// The bytes without white space.
  private static func digits(in bytes: [UInt8]) -> [UInt8] {
    bytes.filter { ![0x09, 0x0A, 0x0D, 0x20].contains($0) }
  }

  private static func json(_ line: RecordingText.Line) -> String {
    var object = JSON.Object()
    object["connection"] = .integer(line.connection)
    object["microseconds"] = .integer(line.microseconds)
    object["leg"] = line.leg.map { .string($0) }
    object["side"] = line.side.map { .string($0) }
    if let annotation = line.annotation {
      add(annotation, to: &object)
    } else {
      object["meaning"] = .string(line.text)
    }
    return JSON.object(object).encodedText
  }

  private static func json(_ annotation: Annotation) -> String {
    var object = JSON.Object()
    add(annotation, to: &object)
    return JSON.object(object).encodedText
  }

  private static func add(_ annotation: Annotation, to object: inout JSON.Object) {
    object["offset"] = .integer(annotation.offset)
    object["depth"] = .integer(annotation.depth)
    object["hex"] = .string(Hexadecimal.text(annotation.bytes))
    object["meaning"] = .string(annotation.meaning)
    object["clause"] = annotation.clause.map { .string($0) }
  }
}

extension UInt8 {
  fileprivate var isHexadecimalDigit: Bool { Character(Unicode.Scalar(self)).isHexDigit }
}
