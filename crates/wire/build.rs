//! Generates the service's code from the `.proto`, without a system `protoc`.

const PROTO: &str = "proto/reoclo/runner/v1/runner.proto";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed={PROTO}");
    let descriptors = protox::compile([PROTO], ["proto"])?;
    tonic_prost_build::configure()
        // Output is handed on as it was received, without a copy.
        .bytes(".reoclo.runner.v1")
        // What holds secrets shows itself by hand.
        .skip_debug([
            ".reoclo.runner.v1.Exec",
            ".reoclo.runner.v1.RegistryLogin",
            ".reoclo.runner.v1.RegistryLogout",
        ])
        .compile_fds(descriptors)?;
    Ok(())
}
