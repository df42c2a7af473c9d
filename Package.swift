// swift-tools-version: 6.2

import PackageDescription

/// Settings of every Swift target. `BOKBOK_STRICT` turns warnings into errors; CI sets it.
let settings: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ] + (Context.environment["BOKBOK_STRICT"] == nil ? [] : [.treatAllWarnings(as: .error)])

let package = Package(
  name: "bokbok",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "Bokbok", targets: ["Bokbok"]),
    .library(name: "BokbokConformance", targets: ["BokbokConformance"]),
    .executable(name: "bokbok", targets: ["BokbokCLI"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
    .package(url: "https://github.com/swiftlang/swift-docc-plugin.git", from: "1.5.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CSodium",
      pkgConfig: "libsodium",
      providers: [.apt(["libsodium-dev"]), .brew(["libsodium"])]
    ),
    // The core does no I/O: it must never depend on NIOPosix.
    .target(
      name: "BokbokCore",
      dependencies: [
        "CSodium",
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "DequeModule", package: "swift-collections"),
      ],
      swiftSettings: settings
    ),
    // Calls of the system that Swift does not import.
    .target(name: "CBokbokSystem"),
    .target(
      name: "Bokbok",
      dependencies: [
        "BokbokCore",
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        "CBokbokSystem",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      swiftSettings: settings
    ),
    // The vectors, cases and the specification, compiled into the binary that needs them.
    .target(name: "CBokbokData"),
    // What a testee that is a client of exec: starts; the conformance kit looks for it beside its own executable.
    .target(name: "CBokbokRelay"),
    .executableTarget(name: "bokbok-relay", dependencies: ["CBokbokRelay"], path: "Sources/BokbokRelay"),
    .target(
      name: "BokbokConformance",
      dependencies: [
        "Bokbok",
        "BokbokCore",
        "CBokbokData",
        "CSodium",
        "CBokbokRelay",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "DequeModule", package: "swift-collections"),
      ],
      path: "Harness/BokbokConformance",
      swiftSettings: settings
    ),
    .executableTarget(
      name: "BokbokCLI",
      dependencies: [
        "Bokbok",
        "BokbokCore",
        "BokbokConformance",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: settings
    ),
    // What Harness/Benchmarks/limits counts: it needs what only this package sees, so that it is not in the nested one.
    .target(name: "Allocations", path: "Harness/Benchmarks/Allocations"),
    .executableTarget(
      name: "bokbok-transcript",
      dependencies: [
        "Allocations", "Bokbok", "BokbokCore",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
      ],
      path: "Harness/Benchmarks/Transcript",
      swiftSettings: settings
    ),
    .target(
      name: "BokbokTestSupport",
      path: "Tests/BokbokTestSupport",
      swiftSettings: settings
    ),
    .testTarget(
      name: "BokbokCoreTests",
      dependencies: ["BokbokCore", "BokbokTestSupport"],
      swiftSettings: settings
    ),
    // What tests of commands and supervisors start.
    .executableTarget(
      name: "BokbokTestServer",
      dependencies: [
        "Bokbok",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      path: "Tests/BokbokTestServer",
      swiftSettings: settings
    ),
    // The whole program of a guide.
    .executableTarget(
      name: "BokbokExampleServer",
      dependencies: ["Bokbok"],
      path: "Tests/BokbokExampleServer",
      swiftSettings: settings
    ),
    .testTarget(
      name: "BokbokTests",
      dependencies: [
        "Bokbok", "BokbokCore", "BokbokTestSupport", "BokbokTestServer",
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Metrics", package: "swift-metrics"),
        .product(name: "MetricsTestKit", package: "swift-metrics"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      swiftSettings: settings
    ),
    .testTarget(
      name: "ConformanceTests",
      dependencies: ["BokbokConformance", "BokbokCore", "BokbokTestSupport"],
      swiftSettings: settings
    ),
    .testTarget(
      name: "DocumentationTests",
      dependencies: [
        "Bokbok", "BokbokCLI", "BokbokExampleServer", "BokbokTestSupport",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      swiftSettings: settings
    ),
    .testTarget(
      name: "CLITests",
      dependencies: [
        "Bokbok", "BokbokCLI", "BokbokTestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
      ],
      swiftSettings: settings
    ),
  ]
)

// `BOKBOK_LIBRARY_ONLY` leaves the library and its own tests: all that is run under a sanitizer, in about half of the
// build's steps.
if Context.environment["BOKBOK_LIBRARY_ONLY"] != nil {
  let kept: Set = [
    "CSodium", "BokbokCore", "CBokbokSystem", "Bokbok", "BokbokTestSupport", "BokbokTestServer", "BokbokTests",
  ]
  package.products.removeAll { $0.name != "Bokbok" }
  package.targets.removeAll { !kept.contains($0.name) }
}
