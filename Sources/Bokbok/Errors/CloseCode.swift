/// The codes that an application may give for a CLOSE (C-9).
enum CloseCode {
  static let normal = "normal"
  static let shutdown = "shutdown"

  /// Refuses what is not a code (E-1) and what only the protocol says.
  static func check(_ code: String) throws(BokbokError) {
    guard CodedMessage.isCode(code) else {
      throw BokbokError(
        .configuration,
        """
        a code for closing has 1 to \(CodedMessage.codeByteCountMax) bytes of a-z, 0-9, '.' and '-', \
        but \"\(String(displaying: code))\" was given
        """
      )
    }
    guard code != "protocol-error" else {
      throw BokbokError(
        .configuration,
        "the code protocol-error is for violations of the protocol; give another, for example normal"
      )
    }
  }
}
