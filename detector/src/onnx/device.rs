//! What `--device` asks for. Pure.

use std::fmt;
use std::str::FromStr;

use super::provider::Provider;

/// Where the network is to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Device {
    /// The provider that the runtime at hand is made for, and the CPU when that does not work here.
    #[default]
    Auto,
    /// This one; it is an error when it does not work.
    On(Provider),
    /// OpenVINO on one of its devices: `CPU`, `GPU`, `GPU.1`, `NPU`, `AUTO`, `HETERO:GPU,CPU`.
    OpenvinoOn(String),
}

impl Device {
    /// What it takes, for messages.
    pub const FORMS: &'static str =
        "auto, cpu, cuda, tensorrt, openvino, openvino:CPU, openvino:GPU or openvino:NPU";

    /// The provider that was asked for; `None`: any.
    #[must_use]
    pub fn provider(&self) -> Option<Provider> {
        match self {
            Self::Auto => None,
            Self::On(provider) => Some(*provider),
            Self::OpenvinoOn(_) => Some(Provider::Openvino),
        }
    }

    /// Where OpenVINO computes, if it is the provider.
    pub(super) fn openvino_device(&self) -> &str {
        match self {
            Self::OpenvinoOn(device) => device,
            Self::Auto | Self::On(_) => "CPU",
        }
    }

    /// The name of the place where `provider` computes, for those who compare measurements.
    pub(crate) fn name_on(&self, provider: Provider) -> String {
        match provider {
            Provider::Openvino => format!("openvino:{}", self.openvino_device()),
            other => other.name().to_owned(),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::On(provider) => write!(f, "{provider}"),
            Self::OpenvinoOn(device) => write!(f, "openvino:{device}"),
        }
    }
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is none of {}", Self::FORMS);
        if text == "auto" {
            return Ok(Self::Auto);
        }
        if let Some(device) = text.strip_prefix("openvino:") {
            let device = device.to_uppercase();
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._:,".contains(c);
            let starts_well = device.starts_with(|c: char| c.is_ascii_alphabetic());
            return match starts_well && device.chars().all(is_plain) {
                true => Ok(Self::OpenvinoOn(device)),
                false => Err(wrong()),
            };
        }
        text.parse().map(Self::On).map_err(|_: String| wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_as_they_are_written() {
        for (text, provider, openvino) in [
            ("auto", None, "CPU"),
            ("cpu", Some(Provider::Cpu), "CPU"),
            ("cuda", Some(Provider::Cuda), "CPU"),
            ("tensorrt", Some(Provider::Tensorrt), "CPU"),
            ("openvino", Some(Provider::Openvino), "CPU"),
            ("openvino:GPU", Some(Provider::Openvino), "GPU"),
            ("openvino:GPU.1", Some(Provider::Openvino), "GPU.1"),
            (
                "openvino:HETERO:GPU,CPU",
                Some(Provider::Openvino),
                "HETERO:GPU,CPU",
            ),
        ] {
            let device: Device = text.parse().expect(text);
            assert_eq!(device.provider(), provider, "{text}");
            assert_eq!(device.openvino_device(), openvino, "{text}");
            assert_eq!(device.to_string(), text);
        }
        assert_eq!(
            "openvino:npu".parse(),
            Ok(Device::OpenvinoOn("NPU".to_owned()))
        );
    }

    #[test]
    fn other_devices_are_refused_with_a_list() {
        for text in [
            "",
            "gpu",
            "CPU",
            "openvino:",
            "openvino: GPU",
            "openvino:.",
            "cuda:0",
        ] {
            let error = text.parse::<Device>().expect_err(text);
            assert!(
                error.contains("openvino:NPU") && error.contains("tensorrt"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_measurement_is_of_a_provider_and_its_device() {
        let device = Device::OpenvinoOn("GPU".to_owned());
        assert_eq!(device.name_on(Provider::Openvino), "openvino:GPU");
        assert_eq!(device.name_on(Provider::Cpu), "cpu");
        assert_eq!(Device::Auto.name_on(Provider::Openvino), "openvino:CPU");
    }
}
