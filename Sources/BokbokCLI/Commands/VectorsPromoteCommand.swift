internal import ArgumentParser
internal import BokbokConformance

/// `bokbok vectors promote`.
struct VectorsPromoteCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "promote",
    abstract: "Make a session vector of a connection that bokbok record has recorded.",
    discussion: """
      Prints a file of vectors with the new one, of the origin "recorded", after those of --adding-to. The vector is \
      replayed before: the library, in the place of each side that "conforming" lists, has to send what was recorded, \
      byte for byte. A side that breaks a rule, or makes use of a freedom of the protocol otherwise than the library \
      does, is not listed, and the reason is told. A session that does not end cleanly becomes an invalid vector.

      A sealed session needs --user and --key-file, and the ephemeral secret of each side that is to be replayed: from \
      --key-log, or, if bokbok record was an end of each leg, its own from the recording; --leg then says which leg. \
      The vector holds that key and these secrets: record with keys that protect nothing.
      """
  )

  @Argument(help: "The recording.", completion: .file())
  var file: String

  @Option(help: "The vector's id, which begins with sessions/.")
  var id: String

  @Option(help: "What the vector shows, for people.")
  var comment: String

  @Option(name: .customLong("clause"), help: "A clause of the specification that it shows; once or more.")
  var clauses: [String]

  @Option(help: "Between which implementations it was recorded.")
  var source: String

  @Option(help: "Which connection of the recording.")
  var connection = 1

  @Option(help: "Which leg, where the recorder was an end of each, by the side at its other end: client or server.")
  var leg: Leg?

  @Option(
    help: ArgumentHelp(
      "Of a session that does not end cleanly: the clause that was broken, if the bytes do not show it.",
      valueName: "clause"
    )
  )
  var brokenClause: String?

  @OptionGroup var keyOptions: SessionKeyOptions

  @Option(help: ArgumentHelp("A file of session vectors to add to.", valueName: "file"), completion: .file())
  var addingTo: String?

  enum Leg: String, ExpressibleByArgument, CaseIterable {
    case client, server

    var name: SessionPromotion.SideName { self == .client ? .client : .server }
  }

  private static let byteCountMax = 256 * 1024 * 1024

  func run() throws {
    do {
      let bytes = try POSIXFile.contents(of: file, byteCountMax: Self.byteCountMax)
      let existing = try addingTo.map { path in
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return (name: name, bytes: try POSIXFile.contents(of: path, byteCountMax: Self.byteCountMax))
      }
      let promotion = try SessionPromotion(
        Recording(bytes, name: file),
        connection: connection,
        leg: leg?.name,
        keys: try keyOptions.keys(),
        description: .init(
          id: id,
          comment: comment,
          clauses: clauses,
          source: source,
          brokenClause: brokenClause
        ),
        addingTo: existing
      )
      for remark in promotion.remarks { StandardStream.error.writeOrIgnore("not replayed: \(remark)\n") }
      try StandardStream.output.write(promotion.text)
    } catch let failure as CommandFailure
      where [.inputOutputError, .configuration, .noInput].contains(failure.status)
    {
      throw failure
    } catch {
      throw VectorsInput.failure("\(error)")
    }
  }
}
