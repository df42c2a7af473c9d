import BokbokTestSupport
import Testing

@Test(.clauses("F-1.a")) func placeholder() { #expect(1 == 1) }
