extension Value {
  /// Reads a value in the notation for people: the advanced form of RFC 9804, without display hints.
  ///
  /// | form | example | atom |
  /// | --- | --- | --- |
  /// | token: letters, digits and `-./_:*+=`, no digit first | `not-before` | its characters |
  /// | quoted string, with the escapes of C | `"two\nlines"`, `"12345"` | the text |
  /// | hexadecimal | `#68 ff#` | the bytes |
  /// | base 64 | `\|aP8=\|` | the bytes |
  /// | verbatim | `5:a b c` | as many bytes of UTF-8 as the number says |
  /// | any of the three before with its length | `2#68ff#` | the same |
  ///
  /// Lists stand in parentheses, white space between values is free, and a whole value may be given as the base 64 of its
  /// canonical encoding, `{KDE6YSk=}`. A number is written in quotes, since a token begins with no digit.
  ///
  /// Base 64 may lack its padding, but bits at its end that belong to no byte must be 0, as in every proper encoding.
  /// Beyond the RFC, a quoted string may hold characters outside of ASCII as they are; they stand for their UTF-8 bytes.
  ///
  /// What has been read can be sent: the limits ``depthMax`` and ``valueCountMax`` hold here too.
  ///
  /// - Throws: ``ValueNotationError`` with the line and column of the first mistake, and what was expected there.
  public init(notation text: String) throws(ValueNotationError) {
    var text = text
    let result = text.withUTF8 { bytes in
      Result { () throws(ValueNotationError) -> Value in
        var parser = NotationParser(bytes)
        return try parser.parse()
      }
    }
    self = try result.get()
  }

  /// This value in the notation for people, on one line.
  ///
  /// Atoms are written as tokens where they can be; else as quoted strings if they are UTF-8 of visible characters,
  /// blanks, tabs and ends of lines; else in hexadecimal, or, above 32 bytes, in base 64. The result is all ASCII and
  /// follows RFC 9804 to the letter, so that every reader of it takes it: bytes of other characters stand as `\xC3`.
  ///
  /// ``init(notation:)`` gives the same value back, if it keeps to ``depthMax`` and ``valueCountMax``.
  public var notation: String {
    var writer = NotationWriter(showsUnicode: false)
    writer.write(self)
    return String(decoding: writer.output, as: UTF8.self)
  }

  /// This value in the notation for people, in lines.
  ///
  /// Lists that fit a line stand on one; of others, each element after the first stands on a line of its own. An atom is
  /// never broken, so that a line can be longer than asked for. ``init(notation:)`` gives the same value back.
  ///
  /// - Parameters:
  ///   - widthMax: how many characters a line should have at most; 80 by default.
  ///   - indentation: by how many blanks the elements of a list are indented; 2 by default.
  ///   - showsUnicode: whether characters outside of ASCII stand as they are in quoted strings, for people; false by
  ///     default. Then the result goes beyond RFC 9804: other readers may not take it. Control and format characters
  ///     never stand as they are (E-5).
  public func notation(widthMax: Int = 80, indentation: Int = 2, showsUnicode: Bool = false) -> String {
    var writer = NotationWriter(showsUnicode: showsUnicode)
    writer.write(self, widthMax: max(1, widthMax), indentation: max(0, indentation))
    return String(decoding: writer.output, as: UTF8.self)
  }
}

extension Value: CustomStringConvertible {
  /// The ``notation``, whole.
  ///
  /// `Value` is not `LosslessStringConvertible`: `Value("(a)")` is the atom of three bytes, and ``init(notation:)`` the
  /// way back.
  public var description: String { notation }
}

extension Value: CustomDebugStringConvertible {
  /// The ``notation``, cut after 1024 characters.
  public var debugDescription: String {
    var writer = NotationWriter(showsUnicode: false)
    let isWhole = writer.write(self, characterCountMax: 1024)
    // All ASCII, so cut between characters.
    let text = String(decoding: writer.output.prefix(1024), as: UTF8.self)
    return isWhole ? text : text + "\u{2026}"
  }
}
