//! One file over HTTP, in as many requests as it takes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::Body;
use ureq::http::{Response, StatusCode, header};

use super::error::{PullError, cannot_write};
use crate::models::installed::hex;

/// Time limit for connecting, and for each read.
const SILENCE: Duration = Duration::from_secs(20);

/// The file that is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) url: &'a str,
    pub(super) bytes: u64,
    pub(super) sha256: &'a str,
}

/// What has come of a file.
pub(super) struct Transfer<'a> {
    file: &'a mut File,
    path: &'a Path,
    source: Source<'a>,
    hasher: Sha256,
    got: u64,
}

impl<'a> Transfer<'a> {
    /// Goes on with what `file` has already; one that is too long is begun again.
    pub(super) fn continuing(
        file: &'a mut File,
        path: &'a Path,
        source: &Source<'a>,
    ) -> Result<Self, PullError> {
        let mut transfer = Self {
            file,
            path,
            source: *source,
            hasher: Sha256::new(),
            got: 0,
        };
        let read = transfer.read_what_is_there();
        read.map_err(|error| cannot_write(path, error))?;
        if transfer.got > source.bytes {
            transfer.start_again()?;
        }
        Ok(transfer)
    }

    fn read_what_is_there(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match self.file.read(&mut buffer)? {
                0 => return Ok(()),
                read => {
                    self.hasher.update(&buffer[..read]);
                    self.got += read as u64;
                }
            }
        }
    }

    /// How many bytes are there.
    pub(super) fn got(&self) -> u64 {
        self.got
    }

    /// Empties the file.
    pub(super) fn start_again(&mut self) -> Result<(), PullError> {
        let emptied = self.file.set_len(0);
        emptied.map_err(|error| cannot_write(self.path, error))?;
        (self.hasher, self.got) = (Sha256::new(), 0);
        Ok(())
    }

    fn failed(&self, why: impl ToString) -> PullError {
        PullError::Fetch {
            url: self.source.url.to_owned(),
            why: why.to_string(),
        }
    }

    /// One request for what is missing. `Ok`: as many bytes are there as the file has.
    pub(super) fn attempt(&mut self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), PullError> {
        if self.got == self.source.bytes {
            return Ok(());
        }
        let mut response = self.request()?;
        let does_not_continue = match response.status() {
            StatusCode::RANGE_NOT_SATISFIABLE => true,
            StatusCode::PARTIAL_CONTENT => first_byte(&response) != Some(self.got),
            _ => false,
        };
        if does_not_continue && self.got > 0 {
            self.start_again()?;
            response = self.request()?;
        }
        match response.status() {
            StatusCode::PARTIAL_CONTENT if first_byte(&response) == Some(self.got) => {}
            StatusCode::OK => self.start_again()?,
            status => return Err(self.failed(format!("the answer is {status}"))),
        }
        self.receive(response, progress)?;
        match self.got {
            got if got == self.source.bytes => Ok(()),
            got => Err(PullError::Broken {
                url: self.source.url.to_owned(),
                got,
                wanted: self.source.bytes,
            }),
        }
    }

    fn request(&self) -> Result<Response<Body>, PullError> {
        let agent = ureq::Agent::config_builder()
            .timeout_connect(Some(SILENCE))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .http_status_as_error(false)
            .build()
            .new_agent();
        let mut request = agent.get(self.source.url);
        if self.got > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", self.got));
        }
        request.call().map_err(|error| self.failed(error))
    }

    fn receive(
        &mut self,
        mut response: Response<Body>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), PullError> {
        let (bytes, mut buffer) = (self.source.bytes, vec![0; 64 * 1024]);
        // One byte more than expected is enough to detect a file that is too long.
        let mut body = response.body_mut().as_reader().take(bytes - self.got + 1);
        loop {
            let read = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // The connection broke, or nothing came for too long.
                Err(error) => {
                    tracing::debug!(%error, got = self.got, "a download broke off");
                    break;
                }
            };
            if self.got + read as u64 > bytes {
                self.start_again()?;
                return Err(PullError::TooLong {
                    url: self.source.url.to_owned(),
                    wanted: bytes,
                });
            }
            self.hasher.update(&buffer[..read]);
            let written = self.file.write_all(&buffer[..read]);
            written.map_err(|error| cannot_write(self.path, error))?;
            self.got += read as u64;
            progress(self.got, bytes);
        }
        Ok(())
    }

    /// Checks what is there, and syncs it, so that a power cut after the rename does not leave an empty file.
    pub(super) fn verify(&mut self) -> Result<(), PullError> {
        let found = hex(&self.hasher.clone().finalize());
        if found != self.source.sha256 {
            return Err(PullError::Hash {
                url: self.source.url.to_owned(),
                found,
                wanted: self.source.sha256.to_owned(),
            });
        }
        let synced = self.file.sync_all();
        synced.map_err(|error| cannot_write(self.path, error))
    }
}

/// Where the body of a partial answer begins: `bytes FIRST-LAST/ALL`.
fn first_byte(response: &Response<Body>) -> Option<u64> {
    let range = response
        .headers()
        .get(header::CONTENT_RANGE)?
        .to_str()
        .ok()?;
    let (first, _) = range.strip_prefix("bytes ")?.split_once('-')?;
    first.trim().parse().ok()
}
