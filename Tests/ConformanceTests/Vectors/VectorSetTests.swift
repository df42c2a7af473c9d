import Testing

@testable import BokbokConformance

/// Reading vector files: what the format does not know is an error that names file and vector.
@Suite struct VectorSetTests {
  private static let good = """
    {
      "format": 1,
      "subject": "settings",
      "vectors": [
        {
          "id": "settings/one",
          "comment": "Nothing.",
          "clauses": ["S-2.c"],
          "result": "valid",
          "origin": "published",
          "source": "here",
          "body": "2829",
          "settings": {"max-message": 16777216, "max-requests": 128, "max-partial": 67108864}
        },
        {
          "id": "settings/two",
          "comment": "No bytes.",
          "clauses": ["S-3.b"],
          "result": "invalid",
          "error": {"clause": "S-3.b", "outcome": "violation"},
          "origin": "published",
          "source": "here",
          "body": ""
        }
      ]
    }
    """

  private func error(_ text: String, name: String = "settings-here.json") -> DataError? {
    do throws(DataError) {
      _ = try VectorSet([(name, Array(text.utf8))])
      return nil
    } catch {
      return error
    }
  }

  @Test func `a file as the format wants it is read`() throws {
    let set = try VectorSet([("settings-here.json", Array(Self.good.utf8))])
    #expect(set.files.map(\.subject) == [.settings])
    #expect(set.files[0].vectors.map(\.id) == ["settings/one", "settings/two"])
    #expect(set.files[0].vectors.map(\.isValid) == [true, false])
    #expect(set.files[0].vectors[1].error == Vector.Failure(clause: "S-3.b", outcome: "violation"))
  }

  @Test(
    arguments: [
      // What is replaced, by what, in which vector, what the message says.
      (#""body": """#, #""body": "", "colour": "red""#, "settings/two", "unknown key \"colour\""),
      (#""max-partial": 67108864"#, #""max-partial": 67108864, "max-x": 1"#, "settings/one", "unknown key \"max-x\""),
      (#""body": "2829","#, "", "settings/one", "\"body\" is missing"),
      (#""body": "2829""#, #""body": "282""#, "settings/one", "fits none"),
      (#""body": "2829""#, #""body": "28 29""#, "settings/one", "fits none"),
      (#""body": "2829""#, #""body": "2A29""#, "settings/one", "fits none"),
      (#""body": "2829""#, #""body": [{"repeat": "28", "count": 0}]"#, "settings/one", "at least 1"),
      (#""result": "valid""#, #""result": "fine""#, "settings/one", "is not one of"),
      (#""outcome": "violation""#, #""outcome": "tampered""#, "settings/two", "is not one of"),
      (#""clauses": ["S-2.c"]"#, #""clauses": ["S-2.z"]"#, "settings/one", "has no clause S-2.z"),
      (#""clauses": ["S-2.c"]"#, #""clauses": ["S-2"]"#, "settings/one", "does not match"),
      (#""clauses": ["S-2.c"]"#, #""clauses": []"#, "settings/one", "at least 1"),
      (#""clauses": ["S-3.b"]"#, #""clauses": ["S-3.c"]"#, "settings/two", "is not one of its clauses"),
      (#""result": "valid""#, #""result": "invalid""#, "settings/one", "an invalid vector has an \"error\""),
      (#""result": "invalid""#, #""result": "valid""#, "settings/two", "an invalid vector has an \"error\""),
      (
        #""origin": "published",\#n      "source": "here",\#n      "body": """#, #""origin": "published", "body": """#,
        "settings/two", "names its \"source\""
      ),
      (#""id": "settings/two""#, #""id": "settings/one""#, "settings/one", "the id stands twice"),
      (#""id": "settings/two""#, #""id": "values/two""#, "values/two", "does not match"),
    ]
  )
  func `a mistake in a vector is an error that names the file and the vector`(
    old: String,
    new: String,
    vector: String,
    message: String
  ) throws {
    let isLast = vector != "settings/one" || old.contains("two")
    let position = isLast ? Self.good.ranges(of: old).last : Self.good.firstRange(of: old)
    var text = Self.good
    text.replaceSubrange(try #require(position, "the text to change is not there"), with: new)
    let found = try #require(error(text))
    #expect(found.file == "settings-here.json")
    #expect(found.place == "vector \(vector)")
    #expect(found.message.contains(message), "\(found)")
  }

  @Test(
    arguments: [
      ("{", "settings.json", "not JSON"),
      ("[]", "settings.json", "\"subject\" must name one of"),
      (#"{"format": 1, "subject": "colours", "vectors": []}"#, "colours.json", "\"subject\" must name one of"),
      (good, "values.json", "is called settings.json"),
      (good.replacing(#""format": 1"#, with: #""format": 2"#), "settings.json", "format"),
      (good.replacing(#""format": 1"#, with: #""format": 1, "extra": 1"#), "settings.json", "unknown key \"extra\""),
    ]
  )
  func `a mistake in a file is an error that names the file`(text: String, name: String, message: String) throws {
    let found = try #require(error(text, name: name))
    #expect(found.file == name)
    #expect(found.message.contains(message), "\(found)")
  }

  @Test func `an id may stand in one file only`() throws {
    let bytes = Array(Self.good.utf8)
    #expect(throws: DataError.self) {
      _ = try VectorSet([("settings-a.json", bytes), ("settings-b.json", bytes)])
    }
  }

  @Test func `a folder that is not there, or has no vectors, is an error`() throws {
    #expect(throws: DataError.self) { _ = try VectorSet(.directory("/nowhere/at/all")) }
  }
}
