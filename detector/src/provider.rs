//! What does the arithmetic.

use std::fmt;
use std::str::FromStr;

/// An execution provider of ONNX Runtime, and the flavour of the library that carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// The library's own CPU kernels; in every flavour.
    Cpu,
    /// Intel CPUs, integrated GPUs and NPUs.
    Openvino,
    /// NVIDIA GPUs.
    Cuda,
}

impl Provider {
    /// All of them, the fastest where it is installed first.
    pub const ALL: [Self; 3] = [Self::Cuda, Self::Openvino, Self::Cpu];

    /// Its name in options, paths and on the page.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Openvino => "openvino",
            Self::Cuda => "cuda",
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
        named.ok_or_else(|| format!("`{text}` is none of cpu, openvino, cuda"))
    }
}
