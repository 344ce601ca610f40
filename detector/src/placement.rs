//! Where the nodes of a network really ran, read from a profile that ONNX Runtime wrote. Pure.

use crate::provider::Provider;

/// How many node runs of `profile` (Chrome trace JSON) were on `provider`.
///
/// A search for the one key that names the provider, not a parser: the profile is written by the
/// library beside us, and a number of 0 only means that the CPU is taken.
pub(crate) fn nodes_on(provider: Provider, profile: &str) -> usize {
    let name = match provider {
        Provider::Cpu => "CPUExecutionProvider",
        Provider::Openvino => "OpenVINOExecutionProvider",
        Provider::Cuda => "CUDAExecutionProvider",
    };
    let values = profile.split("\"provider\"").skip(1);
    values
        .filter(|rest| rest.trim_start_matches([' ', ':', '"']).starts_with(name))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_counted_by_their_provider() {
        let profile = r#"[
            {"cat":"Session","name":"model_run","args":{}},
            {"cat":"Node","args":{"op_name":"Conv","provider":"CUDAExecutionProvider"}},
            {"cat":"Node","args":{"op_name":"Conv","provider" : "CUDAExecutionProvider"}},
            {"cat":"Node","args":{"op_name":"TopK","provider":"CPUExecutionProvider"}}]"#;
        assert_eq!(nodes_on(Provider::Cuda, profile), 2);
        assert_eq!(nodes_on(Provider::Cpu, profile), 1);
        assert_eq!(nodes_on(Provider::Openvino, profile), 0);
    }
}
