import Bokbok
import Foundation
import NIOCore
import Testing

/// `bokbok testee` as the harness sees it: commands out, replies and events in.
final class TesteeProcess {
  let command: RunningCommand
  private var sequence = 0
  /// What has come and was not taken yet, in its order.
  private var pending: [[String: Any]] = []

  /// - Parameter executable: another testee than `bokbok testee`.
  init(_ arguments: [String] = ["testee"], executable: URL? = nil) throws {
    command = try RunningCommand(arguments, executable: executable)
  }

  /// Sends a command and returns its number.
  @discardableResult
  func send(_ name: String, _ fields: [String: Any] = [:]) throws -> Int {
    sequence += 1
    let object = fields.merging(["seq": sequence, "command": name]) { $1 }
    try command.send(String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self))
    return sequence
  }

  /// The reply to a command, whatever comes before it.
  func reply(to sequence: Int) async throws -> [String: Any] {
    try await take { $0["seq"] as? Int == sequence }
  }

  /// The `ok` of the reply to a command that is sent now.
  func ask(_ name: String, _ fields: [String: Any] = [:]) async throws -> [String: Any] {
    let reply = try await reply(to: try send(name, fields))
    return try #require(reply["ok"] as? [String: Any], "\(name) was answered with \(reply)")
  }

  /// The `error` of the reply to a command.
  func failure(of sequence: Int) async throws -> [String: Any] {
    let reply = try await reply(to: sequence)
    return try #require(reply["error"] as? [String: Any], "the reply is \(reply)")
  }

  /// The next event of a kind, whatever comes before it.
  func event(_ name: String) async throws -> [String: Any] {
    try await take { $0["event"] as? String == name }
  }

  /// The next message of any kind.
  func next() async throws -> [String: Any] {
    pending.isEmpty ? try await read() : pending.removeFirst()
  }

  /// What came right after the last message that was taken.
  func nextUnread() async throws -> [String: Any] {
    try await read()
  }

  /// Ends the process if it still runs.
  func end() {
    command.end()
  }

  func connect(_ fields: [String: Any]) async throws -> String {
    try #require(try await ask("connect", fields)["connection"] as? String)
  }

  /// Sends a request in the notation for people and returns the answer in it.
  func request(_ notation: String, on connection: String) async throws -> String {
    let answer = try await ask("request", ["connection": connection, "payload": try hex(notation)])
    return try notationOf(hex: try #require(answer["response"] as? String))
  }

  private func take(where isWanted: ([String: Any]) -> Bool) async throws -> [String: Any] {
    if let index = pending.firstIndex(where: isWanted) { return pending.remove(at: index) }
    while true {
      let object = try await read()
      if isWanted(object) { return object }
      pending.append(object)
    }
  }

  private func read() async throws -> [String: Any] {
    let line = try await command.nextLine()
    return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }
}

/// The canonical encoding in hex of a value in the notation for people.
func hex(_ notation: String) throws -> String {
  try Value(notation: notation).encoded().readableBytesView.map {
    $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16)
  }
  .joined()
}

/// The notation for people of a value in hex.
func notationOf(hex: String) throws -> String {
  var bytes: [UInt8] = []
  var digits = hex[...]
  while !digits.isEmpty {
    bytes.append(try #require(UInt8(digits.prefix(2), radix: 16)))
    digits = digits.dropFirst(2)
  }
  return try Value(decoding: .init(bytes: bytes)).notation
}
