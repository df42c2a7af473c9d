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

// Its libraries take longer to build than everything else together: `Harness/measure --grpc` asks for it.
if Context.environment["BOKBOK_BENCHMARK_GRPC"] != nil {
  package.dependencies += [
    .package(url: "https://github.com/grpc/grpc-swift-2.git", from: "2.4.3"),
    .package(url: "https://github.com/grpc/grpc-swift-nio-transport.git", from: "2.9.2"),
  ]
  package.targets.append(
    .executableTarget(
      name: "grpc-peer",
      dependencies: [
        "CBenchmark",
        .product(name: "GRPCCore", package: "grpc-swift-2"),
        .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      path: "Sources/GRPCPeer",
      swiftSettings: settings
    )
  )
}
