//! Execution providers of ONNX Runtime, and the check of where the nodes of a network really ran.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fmt, fs, io};

use ort::ep::{self, ExecutionProviderDispatch};

/// How sessions are opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionConfig {
    /// Threads inside one operator. `None`: 1 on up to two cores, else 2, so that the encoder keeps
    /// its core; more help little with models this small.
    pub threads: Option<usize>,
    /// `None`: the best one of the installed library, or the CPU when that fails.
    pub provider: Option<Provider>,
    /// Where OpenVINO computes: `CPU`, `GPU`, `NPU`, `AUTO`. `None`: `CPU`.
    pub openvino_device: Option<String>,
}

impl SessionConfig {
    pub(super) fn threads(&self, cores: usize) -> usize {
        self.threads
            .unwrap_or(if cores <= 2 { 1 } else { 2 })
            .max(1)
    }
}

/// Makes [`Provider`] and its functions of the table below.
macro_rules! providers {
    ($($(#[$doc:meta])* $variant:ident, $name:literal, $profile_name:literal, $build:expr;)*) => {
        /// An execution provider of ONNX Runtime, and the build of the library that contains it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Provider {
            $($(#[$doc])* $variant,)*
        }

        impl Provider {
            /// All of them, in the order in which they are preferred.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// Its name in options, paths and on the page.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Its name in the profiles that ONNX Runtime writes.
            fn profile_name(self) -> &'static str {
                match self {
                    $(Self::$variant => $profile_name,)*
                }
            }

            /// Its registration with a session; `None` for the CPU, which is always registered.
            pub(super) fn registration(
                self,
                config: &SessionConfig,
                threads: usize,
            ) -> Option<ExecutionProviderDispatch> {
                match self {
                    $(Self::$variant => {
                        let build: fn(&SessionConfig, usize) -> Option<ExecutionProviderDispatch> = $build;
                        build(config, threads)
                    })*
                }
            }
        }
    };
}

providers! {
    /// NVIDIA GPUs.
    Cuda, "cuda", "CUDAExecutionProvider", |_, _| Some(ep::CUDA::default().build());
    /// Intel CPUs, integrated GPUs and NPUs.
    Openvino, "openvino", "OpenVINOExecutionProvider", |config, threads| Some(openvino(config, threads));
    /// The library's own CPU kernels, in every build.
    Cpu, "cpu", "CPUExecutionProvider", |_, _| None;
}

fn openvino(config: &SessionConfig, threads: usize) -> ExecutionProviderDispatch {
    ep::OpenVINO::default()
        .with_device_type(config.openvino_device.as_deref().unwrap_or("CPU"))
        .with_num_threads(threads)
        .build()
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

/// How many node runs of `profile` (Chrome trace JSON) were on `provider`.
///
/// A text search rather than a parser: a wrong count of 0 only means that the CPU is used.
pub(super) fn nodes_on(provider: Provider, profile: &str) -> usize {
    let values = profile.split("\"provider\"").skip(1);
    let is_on = |rest: &&str| {
        let value = rest.trim_start_matches([' ', ':', '"']);
        value.starts_with(provider.profile_name())
    };
    values.filter(is_on).count()
}

/// A temporary folder for the profile that ONNX Runtime writes. Dropping it removes the folder.
#[derive(Debug)]
pub(super) struct ProfileFolder(PathBuf);

impl ProfileFolder {
    pub(super) fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("carrier-placement-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // Fails when the folder exists: another user may have prepared it with links.
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }

    /// The beginning of the profile's path; ONNX Runtime appends a time and `.json`.
    pub(super) fn prefix(&self) -> PathBuf {
        self.0.join("profile")
    }

    /// The text of the profile, after it was written.
    pub(super) fn read(&self) -> io::Result<String> {
        let first = self.0.read_dir()?.next();
        let entry = first.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))??;
        fs::read_to_string(entry.path())
    }
}

impl Drop for ProfileFolder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_machines_get_one_thread() {
        let automatic = SessionConfig::default();
        assert_eq!(
            [1, 2, 4, 12].map(|cores| automatic.threads(cores)),
            [1, 1, 2, 2]
        );
        let chosen = SessionConfig {
            threads: Some(6),
            ..SessionConfig::default()
        };
        assert_eq!(chosen.threads(2), 6);
    }

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

    #[test]
    fn the_profile_folder_is_removed() {
        let folder = ProfileFolder::new().expect("temporary folder");
        assert!(folder.read().is_err(), "not written yet");
        let path = folder.prefix().with_extension("json");
        fs::write(&path, "[]").expect("writable");
        assert_eq!(folder.read().expect("written"), "[]");
        drop(folder);
        assert!(!path.exists());
    }
}
