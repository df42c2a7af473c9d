// swift-tools-version: 6.2

import PackageDescription

// A package of its own, so that the library's users never build the benchmarks. The peers that need other libraries are
// in `Peers`, with a Makefile.

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "bokbok-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    // Named, because a clone's folder may have any name.
    .package(name: "bokbok", path: "../.."),
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
  ],
  targets: [
    .systemLibrary(
      name: "CBenchmarkSodium",
      pkgConfig: "libsodium",
      providers: [.apt(["libsodium-dev"]), .brew(["libsodium"])]
    ),
    // What all peers share, in whatever language: options, what is sent and how it is checked, clock and report.
    .target(name: "CBenchmark", dependencies: ["CBenchmarkSodium"]),
    .executableTarget(
      name: "bokbok-peer",
      dependencies: [
        "CBenchmark",
        .product(name: "Bokbok", package: "bokbok"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      path: "Sources/BokbokPeer",
      swiftSettings: settings
    ),
    .executableTarget(
      name: "nio-peer",
      dependencies: [
        "CBenchmark",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      path: "Sources/NIOPeer",
      swiftSettings: settings
    ),
  ]
)
