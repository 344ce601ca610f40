//! What may be wrong with the booth's folder.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// The booth cannot keep its jobs.
#[derive(Debug, Error)]
pub enum BoothError {
    /// A file or folder that cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another program has the folder.
    #[error("the booth's folder {} is used by another carrier that runs: end it, or give this one a folder of its own", .0.display())]
    InUse(PathBuf),
    /// The database has bytes in it that SQLite never wrote.
    #[error(
        "the booth's database {} is damaged ({what}): move it away together with {}-wal and {}-shm; \
         its jobs are lost then, and their pictures are erased at the next start",
        file.display(), file.display(), file.display()
    )]
    Damaged {
        /// The database.
        file: PathBuf,
        /// What SQLite says.
        what: String,
    },
    /// The database was written by a newer carrier.
    #[error(
        "the booth's database {} was written by a newer carrier (schema {found}, this one knows {known}): \
         start the newer one, or move the file away",
        file.display()
    )]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// The database was deleted under the running program, and cannot be put back.
    #[error(
        "the booth's database {} was deleted while the program runs, and cannot be written anew: {what}",
        file.display()
    )]
    Gone {
        /// The database.
        file: PathBuf,
        /// Why.
        what: String,
    },
    /// The database does not take or give something now, such as with a full disk.
    #[error("the booth's database {}: {source}", file.display())]
    Database {
        /// The database.
        file: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A thread could not be started.
    #[error("a thread of the booth could not be started: {0}")]
    Thread(io::Error),
}
