//! The `lp` command of CUPS. It gets its arguments as a list and the picture on its standard input: no shell reads any
//! of it, and no file is left behind.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use thiserror::Error;

/// It only hands the picture to the print system.
const TIMEOUT: Duration = Duration::from_secs(30);
const POLL_EVERY: Duration = Duration::from_millis(50);
/// Of its error output, for the log.
const OUTPUT_BYTES_MAX: u64 = 2000;

#[derive(Debug, Error)]
pub(crate) enum PrintError {
    #[error("lp cannot be started: {0}; install cups-client")]
    NotStarted(io::Error),
    #[error("lp did not end within {} s", TIMEOUT.as_secs())]
    Late,
    #[error("lp refused it: {0}")]
    Refused(String),
}

/// The arguments of `lp`.
pub(crate) fn arguments(
    printer: &str,
    copies: u32,
    title: &str,
    options: &[String],
) -> Vec<String> {
    let copies = copies.to_string();
    let fixed = ["-d", printer, "-n", &copies, "-t", title].map(str::to_owned);
    let options = options
        .iter()
        .flat_map(|option| ["-o".to_owned(), option.clone()]);
    fixed.into_iter().chain(options).collect()
}

/// Hands a JPEG to the print system. Blocks for up to half a minute.
pub(crate) fn print(arguments: &[String], jpeg: Vec<u8>) -> Result<(), PrintError> {
    let mut lp = Command::new("lp")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(PrintError::NotStarted)?;
    // On a thread of its own: lp may hang before it has read everything.
    let input = lp.stdin.take();
    let write = move || {
        // An error here has its reason in lp's own exit.
        let _ = input.map(|mut input| input.write_all(&jpeg));
    };
    let writer = thread::Builder::new().name("carrier-lp-input".to_owned());
    let started = writer.spawn(write).map_err(PrintError::NotStarted);
    let ended = started.and_then(|_| wait(&mut lp));
    if ended.is_err() {
        let _ = lp.kill();
        let _ = lp.wait();
    }
    if ended? {
        return Ok(());
    }
    let mut said = String::new();
    let output = lp.stderr.take().map(|output| output.take(OUTPUT_BYTES_MAX));
    let _ = output.map(|mut output| output.read_to_string(&mut said));
    Err(PrintError::Refused(said.trim().to_owned()))
}

/// Whether it succeeded.
fn wait(lp: &mut Child) -> Result<bool, PrintError> {
    let started = Instant::now();
    loop {
        match lp.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) if started.elapsed() < TIMEOUT => thread::sleep(POLL_EVERY),
            Ok(None) => return Err(PrintError::Late),
            Err(error) => return Err(PrintError::NotStarted(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_option_is_an_argument_of_its_own() {
        let options = ["media=Postcard".to_owned(), "a b; rm -rf $HOME".to_owned()];
        let given = arguments("photo", 2, "fest.jpg", &options);
        assert_eq!(
            given,
            [
                "-d",
                "photo",
                "-n",
                "2",
                "-t",
                "fest.jpg",
                "-o",
                "media=Postcard",
                "-o",
                "a b; rm -rf $HOME"
            ]
        );
    }
}
