//! The command line. Every option of `run` is also a `CARRIER_*` variable and a key of the
//! configuration file; `config.rs` joins the three.

mod mesh;

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use self::mesh::{MeshAction, MeshWish};
use crate::environment;

/// Turns a laptop with a webcam into a live object-detection station.
///
/// Without a command it runs the station: it opens the camera (or the built-in test scene), finds
/// and tracks objects, and serves the live picture to every browser on the network.
#[derive(Debug, Parser)]
#[command(
    name = "carrier",
    version,
    args_conflicts_with_subcommands = true,
    after_help = EXAMPLES
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

impl Cli {
    /// Reads the command line and the variables of its options. Exits on errors and for help. Also
    /// returns the names of ignored variables.
    pub(crate) fn read() -> (Self, Vec<String>) {
        let command = Self::command();
        let ignored = environment::ignored(&command);
        let plain = environment::without_variables(command.clone()).try_get_matches();
        let subcommand = plain.is_ok_and(|matches| matches.subcommand_name().is_some());
        let matches = environment::without_ignored(command, subcommand).get_matches();
        let cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        (cli, ignored)
    }
}

const EXAMPLES: &str = "\
Examples:
  carrier                                  first webcam, else the test scene
  carrier --source scene                   the test scene, no camera needed
  carrier --source webcam:0 --model none   plain video, nothing detected
  carrier --source clip.mp4 --loop         a video file, over and over
  ffmpeg -i rtsp://cam/1 -f yuv4mpegpipe - | carrier --source y4m:-
  carrier doctor                           what works, and what is missing?
  carrier backup carrier.tar               everything that the station keeps, in one file
  carrier reload                           read the changed configuration, without a restart
  carrier detect photo.jpg --format table  what is in a picture?
  carrier eval --coco instances.json --images val2017   how accurate is a model?

Precedence: command line, then CARRIER_* variables, then the configuration file, then the defaults.
Exit codes: 0 fine, 1 failed, 2 wrong usage or configuration.";

const DETECT_EXAMPLES: &str = "\
Examples:
  carrier detect photo.jpg --format table
  carrier detect holiday/ 'more/*.png' --out annotated --format csv > found.csv
  carrier detect clip.mp4 --out annotated --format coco > found.json

In a video, objects are followed as in the live feed, and have the number of their track.
A picture or video that cannot be read is reported, the others are read, and the exit code is 1.";
const EVAL_EXAMPLES: &str = "\
Examples:
  carrier eval --model yolox_nano --coco annotations/instances_val2017.json --images val2017
  carrier eval --model mine.onnx --coco mine.json --images photos --format json

The detector of the live feed is measured. Average precision (AP) is COCO's, as pycocotools computes
it, from 0 to 1: AP50 counts a box as correct if its IoU with the true one is at least 0.5, AP75 at
least 0.75; AP is the mean over 0.5 to 0.95. Scores count from 0.01 up, at most 100 boxes a picture.
Classes are matched by name; a class that the model does not have, or that has no annotated box, is
not in the mean. The time is that of detection, without reading the file.

Annotations without a usable box are skipped and counted. A picture that is missing, damaged or of
another size is named, the others are measured, and the exit code is 1.

JSON: {\"model\", \"pictures\", \"ap\", \"ap50\", \"ap75\",
       \"classes\": {\"person\": {\"boxes\", \"ap\", \"ap50\"}, ...},
       \"left_out\": [classes that the model does not offer],
       \"annotations_left_out\", \"not_measured\": [pictures, with the reason], \"ms_per_image\"}";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the station (the default)
    Run(Box<RunArgs>),
    /// List the cameras and what they offer
    Devices(DevicesArgs),
    /// List, download, check, measure, remove or add detection models
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Detect objects in pictures and videos
    #[command(after_help = DETECT_EXAMPLES)]
    Detect(DetectArgs),
    /// Measure the average precision of a model on annotated pictures
    #[command(after_help = EVAL_EXAMPLES)]
    Eval(EvalArgs),
    /// Say what works, what does not, and what to do
    Doctor(Box<DoctorArgs>),
    /// Print the admin token
    Token(TokenArgs),
    /// Write what the station keeps into one file, also while it runs
    #[command(after_help = BACKUP_NOTES)]
    Backup(BackupArgs),
    /// Replace what the station keeps by what a backup holds
    #[command(after_help = RESTORE_NOTES)]
    Restore(RestoreArgs),
    /// Make the running station read its configuration again
    #[command(after_help = RELOAD_NOTES)]
    Reload(Box<ReloadArgs>),
    /// Say whether the running station works: exit code 0, or 1 when only a restart helps
    #[command(after_help = HEALTH_NOTES)]
    Health(Box<HealthArgs>),
    /// Print the completions for a shell
    Completions { shell: Shell },
    /// Print the manual page, or write the pages of all commands into a folder
    Man { folder: Option<PathBuf> },
    /// A Wi-Fi network of this machine's own, through NetworkManager
    #[command(after_help = HOTSPOT_NOTES)]
    Hotspot(Box<HotspotArgs>),
    /// Other carriers at the event: pair, list, revoke
    #[command(after_help = mesh::NOTES)]
    Mesh {
        #[command(flatten)]
        wish: MeshWish,
        #[command(flatten)]
        run: Box<RunArgs>,
    },
    /// Started by the screen: restores the console when the station ends
    #[command(hide = true)]
    RestoreConsole { graphics: i32, keyboard: i32 },
}

const BENCH_NOTES: &str = "\
A detection is measured from a picture of 1280x720 to its boxes, on the built-in scene, for three seconds. The times
are remembered in the cache folder, for this processor, device and version: `carrier models list` shows them, and
`--model auto` chooses by them. Nothing else should run meanwhile.

JSON: {\"models\": [{\"name\", \"device\", \"median_ms\", \"p95_ms\", \"runs\", \"fallback\",
       \"placements\": [{\"provider\", \"nodes\", \"time_percent\"}]}, or {\"name\", \"error\"}]}

Exit codes: 0 all were measured, 1 one could not be, 2 wrong usage.";

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// The models carrier knows: licence, size, accuracy, speed here, and which are installed
    List,
    /// Download a model and check it against its pinned sha256; continues where a former download broke off
    Pull {
        /// A name from `carrier models list`
        name: String,
    },
    /// Check installed models: their contents, whether they open, and what they answer to a test picture
    Verify {
        /// Names from `carrier models list` [default: all that are installed]
        names: Vec<String>,
        /// Where the models run, as for `carrier run`
        #[arg(long, default_value = "auto")]
        device: String,
    },
    /// Measure how long a detection takes on this machine
    #[command(after_help = BENCH_NOTES)]
    Bench {
        /// Names from `carrier models list` [default: all that are installed]
        names: Vec<String>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
        /// Where the models run, as for `carrier run`
        #[arg(long, default_value = "auto")]
        device: String,
    },
    /// Delete the file of an installed model
    Remove {
        /// A name from `carrier models list`
        name: String,
    },
    /// Write a manifest beside an ONNX file of your own, which says how carrier reads it
    Add {
        /// The ONNX file
        file: PathBuf,
        /// Replace a manifest that is there
        #[arg(long)]
        force: bool,
    },
}

/// How the log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Options of `carrier run`.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct RunArgs {
    /// Where pictures come from [default: auto]
    ///
    /// auto: the first working webcam, else the test scene. webcam, webcam:ID: a camera by stable
    /// id, path or index (see `carrier devices`). FILE: a video file. rtsp://... or http://...: a
    /// network camera. mjpeg:URL: multipart JPEG. y4m:- or y4m:PATH: a pipe. scene: built in.
    #[arg(long, env = "CARRIER_SOURCE", verbatim_doc_comment)]
    pub(crate) source: Option<String>,
    /// Start a video file again when it ends
    #[arg(long = "loop", env = "CARRIER_LOOP", num_args = 0..=1, default_missing_value = "true",
          value_name = "BOOL", value_parser = BoolishValueParser::new())]
    pub(crate) loop_file: Option<bool>,
    /// Detection model: a name, a path to an ONNX file, auto or none [default: auto]
    #[arg(long, env = "CARRIER_MODEL", value_name = "NAME|PATH|none")]
    pub(crate) model: Option<String>,
    /// Ignore detections below this score, 0 to 1 [default: the model's own]
    #[arg(long, env = "CARRIER_MIN_SCORE", value_name = "SCORE")]
    pub(crate) min_score: Option<f32>,
    /// Where the model runs: auto, cpu, openvino, openvino:GPU, openvino:NPU, cuda or tensorrt [default: auto]
    ///
    /// auto: what the installed ONNX Runtime is made for, and the processor when that does not work
    /// here. Any other that does not work is an error.
    #[arg(
        long,
        env = "CARRIER_DEVICE",
        value_name = "DEVICE",
        verbatim_doc_comment
    )]
    pub(crate) device: Option<String>,
    /// Address and port of the pages [default: `[::]:8080`, every address]
    #[arg(long, env = "CARRIER_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) listen: Option<String>,
    /// Address and port of the pages over HTTPS, beside plain HTTP [default: off]
    ///
    /// With a self-signed certificate, made at the first start and kept, or with the one that
    /// `[tls]` in the configuration names. Browsers give a camera to pages over HTTPS only.
    #[arg(long, env = "CARRIER_LISTEN_TLS", value_name = "ADDR:PORT")]
    pub(crate) listen_tls: Option<String>,
    /// Where visitors reach the pages, for QR codes [default: this machine's address in the network]
    #[arg(long, env = "CARRIER_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// UDP port of the video for all viewers [default: 8189]
    #[arg(long, env = "CARRIER_MEDIA_PORT", value_name = "PORT")]
    pub(crate) media_port: Option<u16>,
    /// Folder for pictures of visitors [default: carrier in the XDG data folder]
    #[arg(long, env = "CARRIER_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The display of this machine: auto, window, kms or off [default: off]
    ///
    /// auto: a full-screen window in a Wayland or X11 session, else a connected display through the
    /// kernel's mode setting (kms), else off.
    #[arg(
        long,
        env = "CARRIER_SCREEN",
        value_name = "OUTPUT",
        verbatim_doc_comment
    )]
    pub(crate) screen: Option<String>,
    /// How the log is written: text, or JSON with one object a line [default: text]
    #[arg(long, env = "CARRIER_LOG_FORMAT", value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,

    #[command(flatten)]
    pub(crate) file: ConfigFileArgs,
}

// The configuration file, of each command that reads it. No doc comment: clap would show it.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct ConfigFileArgs {
    /// Configuration file [default: carrier/carrier.toml in the XDG configuration folder, if there]
    #[arg(long, env = "CARRIER_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Options of `carrier devices`.
#[derive(Debug, Args)]
pub(crate) struct DevicesArgs {
    #[command(flatten)]
    pub(crate) file: ConfigFileArgs,
}

// The model, of commands that need one. No doc comment: clap would show it.
#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    /// Detection model: a name or a path to an ONNX file
    #[arg(
        long,
        env = "CARRIER_MODEL",
        default_value = "auto",
        value_name = "NAME|PATH"
    )]
    pub(crate) model: String,
}

/// Options of `carrier doctor`: those of `carrier run`, which it checks.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// How the findings are printed
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub(crate) format: ReportFormat,
}

const BACKUP_NOTES: &str = "\
Examples:
  carrier backup carrier.tar
  carrier backup - | ssh laptop2 'cat > carrier.tar'

In it: the photo booth's jobs and pictures, the shutter, settings that were changed live, the audit,
and the secrets (admin token, key of cookies, self-signed certificate, key of visitors). Whoever has the
file has the pictures and can control the station: it is readable by its owner only, and should lie on
an encrypted disk. With --without-secrets it has none, and a restore keeps those that are there. Not in it: the
configuration file, models, and certificates that you gave the station.

A picture that a visitor erases stays in older backups: keep none longer than the station keeps
pictures ([booth] keep_hours). What is over its time at a restore is not restored.

Exit codes: 0 written, 1 failed (nothing is left of the file), 2 wrong usage or configuration.";

/// Options of `carrier backup`.
#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The new file; - for standard output
    pub(crate) file: PathBuf,
    /// Replace a file of that name
    #[arg(long)]
    pub(crate) force: bool,
    /// Leave out tokens and keys
    #[arg(long)]
    pub(crate) without_secrets: bool,
    #[command(flatten)]
    pub(crate) kept: KeptArgs,
}

const RESTORE_NOTES: &str = "\
Examples:
  carrier restore carrier.tar --dry-run       what is in it, and is it whole?
  systemctl stop carrier && carrier restore carrier.tar && systemctl start carrier

Run it as the user that the station runs as, with the same folders. A station must not run. The whole
file is checked before anything is changed, and whenever the restore is killed, all of the old or all of
the new is there at the next start. What the backup does not have stays. Pictures whose time is over are
not restored. The camera is closed if it was closed in the backup or is now. With --replace, what is there
now is lost: make a backup of it first.

Exit codes: 0 restored, 1 refused or failed (nothing was changed), 2 wrong usage or configuration.";

/// Options of `carrier restore`.
#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// A file of `carrier backup`
    pub(crate) file: PathBuf,
    /// Check the file and list what is in it; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Replace what is kept here already
    #[arg(long)]
    pub(crate) replace: bool,
    #[command(flatten)]
    pub(crate) kept: KeptArgs,
}

// Where the station keeps things, of commands that read or write them. No doc comment: clap would show it.
#[derive(Debug, Args)]
pub(crate) struct KeptArgs {
    /// Folder for pictures of visitors [default: carrier in the XDG data folder]
    #[arg(long, env = "CARRIER_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) file: ConfigFileArgs,
}

const RELOAD_NOTES: &str = "\
The station on this machine is asked, at the address that the configuration has for its pages; options
that the station was started with are given here too. What changes while it runs is in effect at once,
and what needs a restart is named. Settings that were changed live and not kept stay as they are. A
configuration that is wrong is refused, and the station goes on with the present one.

SIGHUP does the same in a service or a container, where there is no controlling terminal.";

/// Options of `carrier reload`: those of `carrier run`, which tell where the station is.
#[derive(Debug, Args)]
pub(crate) struct ReloadArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// How the outcome is printed
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub(crate) format: ReportFormat,
}

const HEALTH_NOTES: &str = "\
/healthz of the station on this machine is asked, at the address that the configuration has for its pages; options that
the station was started with are given here too. It is the health check of containers, which have no other program
for that. A missing camera, model or ComfyUI server is no reason for a restart.";

/// Options of `carrier health`: those of `carrier run`, which tell where the station is.
#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

const HOTSPOT_NOTES: &str = "\
The network has the name and password of [wifi] in the configuration, so that the code of the Wi-Fi is right; [hotspot]
has the interface, the address and the band. With [network] captive_portal the names that phones ask for lead to
this machine, and the booth opens when they join; that part needs root. Where NetworkManager is not installed, what would
be done is printed, and nothing is done; docs/hotspot.md shows the same with hostapd and dnsmasq.";

/// Options of `carrier hotspot`: those of `carrier run`, whose configuration it reads.
#[derive(Debug, Args)]
pub(crate) struct HotspotArgs {
    /// What to do
    #[arg(value_enum)]
    pub(crate) command: HotspotCommand,
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HotspotCommand {
    Up,
    Down,
    /// Whether it is on; exit code 1: it is not
    Status,
}

/// Options of `carrier token`.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// Make a new one in its place; a running station takes it at its next start
    #[arg(long)]
    pub(crate) new: bool,
    #[command(flatten)]
    pub(crate) file: ConfigFileArgs,
}

/// Options of `carrier detect`.
#[derive(Debug, Args)]
pub(crate) struct DetectArgs {
    /// Pictures (JPEG, PNG, WebP), videos, folders of them, patterns as '*.jpg', or - for a picture on standard input
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Leave out detections below this score, 0 to 1 [default: the model's own]
    #[arg(long, env = "CARRIER_MIN_SCORE", value_name = "SCORE")]
    pub(crate) min_score: Option<f32>,
    /// Write annotated copies into this folder: JPEG and MP4
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    pub(crate) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object a picture, also of videos
    Jsonl,
    /// One row a detection
    Csv,
    /// One COCO file of all pictures, written at the end
    Coco,
    /// For people
    Table,
}

/// Options of `carrier eval`.
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Annotations in COCO format (`instances_val2017.json`)
    #[arg(long, value_name = "FILE")]
    pub(crate) coco: PathBuf,
    /// Folder of the pictures that FILE names
    #[arg(long, value_name = "DIR")]
    pub(crate) images: PathBuf,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub(crate) format: ReportFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people
    Table,
    /// One JSON object
    Json,
}
