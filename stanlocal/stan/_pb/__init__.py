"""Generated protobuf code; see stan.proto and scripts/protoc."""
