import BokbokConformance

@main struct Bokbok { static func main() { print(probe()) } }
