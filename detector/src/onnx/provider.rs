//! Execution providers of ONNX Runtime. Pure.

use std::fmt;
use std::str::FromStr;

/// Makes [`Provider`] and its names of the table below.
macro_rules! providers {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $profile_name:literal;)*) => {
        /// An execution provider of ONNX Runtime.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Provider {
            $($(#[$doc])* $variant,)*
        }

        impl Provider {
            /// All of them.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// Its name in options, paths and on the page.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Its name in the profiles that ONNX Runtime writes.
            pub(super) fn profile_name(self) -> &'static str {
                match self {
                    $(Self::$variant => $profile_name,)*
                }
            }
        }
    };
}

providers! {
    /// NVIDIA GPUs, with engines compiled by TensorRT.
    Tensorrt, "tensorrt", "TensorrtExecutionProvider";
    /// NVIDIA GPUs.
    Cuda, "cuda", "CUDAExecutionProvider";
    /// Intel CPUs, integrated GPUs and NPUs.
    Openvino, "openvino", "OpenVINOExecutionProvider";
    /// The library's own CPU kernels, in every build.
    Cpu, "cpu", "CPUExecutionProvider";
}

impl Provider {
    /// The builds of the library that are fetched and packaged, each named by the provider that `auto` takes of it, in
    /// the order of preference.
    pub const FLAVOURS: [Self; 3] = [Self::Cuda, Self::Openvino, Self::Cpu];

    /// The build of the library that contains this provider.
    #[must_use]
    pub fn flavour(self) -> Self {
        match self {
            Self::Tensorrt => Self::Cuda,
            other => other,
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Provider {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL
            .into_iter()
            .find(|provider| provider.name() == text);
        named.ok_or_else(|| {
            let mut names = Self::ALL.map(Self::name);
            names.reverse();
            format!("`{text}` is none of {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_belongs_to_a_flavour_that_is_named_by_itself() {
        for provider in Provider::ALL {
            let flavour = provider.flavour();
            assert!(Provider::FLAVOURS.contains(&flavour), "{provider}");
            assert_eq!(flavour.flavour(), flavour);
        }
    }
}
