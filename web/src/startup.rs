//! `carrier run`: starts the station in order, serves until a signal comes, and stops it.
//!
//! In: options and configuration. Out: the running program. Listeners are bound first, so that a taken
//! port is one clear error; then [`pipeline`] starts every other thread; then HTTP is served.

mod banner;
mod encoder;
mod events;
mod kept_open;
mod network;
pub(crate) mod painter;
mod people;
pub(crate) mod pipeline;
mod screen;
mod service_manager;
mod shuttered;
mod signals;
mod tasks;

use std::collections::BTreeMap;
use std::fs::File;
use std::future::pending;
use std::io::{IsTerminal, stdout};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ::screen::{Key, ScreenHandle};
use anyhow::Context;
use capture::Threads;
use tokio::net::TcpListener;
use tokio::sync::oneshot::Receiver;

use self::banner::Banner;
use self::pipeline::{Kept, Pipeline};
use crate::access::admin::AdminToken;
use crate::access::admin_sessions::AdminSessions;
use crate::access::viewer_token::CookieKey;
use crate::app::{AccessSetup, App};
use crate::backup::error::BackupError;
use crate::backup::{state_lock, swap, writing};
use crate::cli::RunArgs;
use crate::commands::{check_model_name, check_requested};
use crate::config::Config;
use crate::counting;
use crate::environment::{self, Environment, UserFolders};
use crate::games;
use crate::http::addresses::{self, HttpsAddress, Scheme, Served};
use crate::http::host_names::HostNames;
use crate::http::sockets;
use crate::http::tls::Tls;
use crate::metrics::Metrics;
use crate::network::NetworkState;
use crate::network::visitors::preference;
use crate::output::print;
use crate::power::follow_power;
use crate::qr;
use crate::routes;
use crate::settings::storage::{Storage, overlay_file};
use crate::settings::{Configured, ReadConfiguration, with_overlay};
use crate::shutter::terminal::{self, TerminalModes};
use crate::shutter::{Cause, ShutterState, now_unix_ms};
use crate::stopping::DRAIN_TIME;
use crate::supervision::supervised;
use crate::telemetry::Telemetry;

/// HTTP serves pages, a few pictures and signalling: the pipeline needs the cores.
const HTTP_THREADS: usize = 2;
/// MJPEG and event streams never end by themselves: they are cut off after this time.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(500);

pub(crate) fn run(
    args: &RunArgs,
    threads: &Threads,
    metrics: &Metrics,
) -> anyhow::Result<ExitCode> {
    threads.watch().context("cannot start a thread")?;
    let folders = UserFolders::read();
    let _state_locks = hold_state(folders.state_folder())?;
    let default_file = folders.config_file();
    let overlay = folders.state_folder().map(overlay_file);
    let read_again = configuration_reader(args, default_file.clone(), overlay.clone());
    let config = read_again()?;
    let storage = Storage::new(
        args.file.config.clone().or(default_file),
        overlay,
        options_that_change_live(args),
    );
    let data = config.data_folder(&folders);
    remove_leftovers(data.as_deref());
    for (key, why) in config.weak_tokens() {
        tracing::warn!("{key} is easily guessed, choose another: {why}");
    }
    let selected = config.selected()?;
    check_requested(args, &selected, &config.model)?;
    check_model_name("privacy.face_model", &config.privacy.face_model)?;
    let token_file = folders.admin_token_file();
    let admin = AdminToken::obtain(config.admin_token.as_deref(), token_file.as_deref());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(HTTP_THREADS)
        .enable_all()
        .build()
        .context("cannot start the HTTP threads")?;
    let network = NetworkState::new();
    let listeners = Listeners::bind(&config, &folders, &network)?;
    let certificate = listeners.https.as_ref().map(|(_, tls)| tls.certificate());
    let kept_in = Kept {
        settings: storage,
        read_again,
        configured: configured(args, &folders),
        data,
        state: folders.state_folder().map(Path::to_owned),
    };
    let setup = AccessSetup {
        admin_sessions: AdminSessions::load(admin.reveal(), folders.admin_sessions_file()),
        admin,
        cookie_key: CookieKey::obtain(folders.cookie_key_file().as_deref()),
        host_names: HostNames::new(&config, certificate),
        served: listeners.served()?,
        network,
    };
    let telemetry = start_telemetry(&config, threads, metrics)?;
    let (app, pipeline) = pipeline::start(config, selected, setup, kept_in, threads, metrics)?;
    let screen = screen::start(&app)?.map(Arc::new);
    let terminal_modes = watch_keys(&app, screen.clone());
    print_banner(&listeners, &app, terminal_modes.is_some());
    runtime.block_on(serve(listeners, Arc::clone(&app)))?;
    drop(terminal_modes);
    if let Some(screen) = screen {
        screen.stop();
    }
    stop(&app, pipeline);
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    telemetry.into_iter().for_each(Telemetry::stop);
    Ok(ExitCode::SUCCESS)
}

fn stop(app: &App, pipeline: Pipeline) {
    app.network.stop_announcing();
    app.booth.close();
    pipeline.stop();
}

/// Finishes a restore that was interrupted, and keeps others away while the station runs. Nothing of the folder may have
/// been read before.
fn hold_state(state: Option<&Path>) -> anyhow::Result<Option<[File; 2]>> {
    let Some(state) = state else {
        return Ok(None);
    };
    if swap::is_interrupted(state) {
        let _alone = state_lock::exclusive(state)?;
        swap::finish(state).context("an interrupted restore cannot be finished")?;
        tracing::warn!("an interrupted restore was finished");
    }
    match state_lock::station(state) {
        Ok(locks) => {
            swap::remove_leftover(state);
            Ok(Some(locks))
        }
        Err(error @ (BackupError::RestoreRuns(_) | BackupError::StationRuns(_))) => {
            Err(error.into())
        }
        Err(error) => {
            tracing::warn!(%error, "the state folder cannot be locked: `carrier restore` and another station will not notice this one");
            Ok(None)
        }
    }
}

/// Deletes what a backup or a restore left in the data folder when it was killed.
fn remove_leftovers(data: Option<&Path>) {
    if let Some(data) = data {
        swap::remove_leftover(data);
        writing::remove_leftover(data);
    }
}

/// `None`: no collector is configured, and no span is made.
fn start_telemetry(
    config: &Config,
    threads: &Threads,
    metrics: &Metrics,
) -> anyhow::Result<Option<Telemetry>> {
    let Some(collector) = config.telemetry.collector()? else {
        return Ok(None);
    };
    let spans = metrics.telemetry_spans.clone();
    let telemetry = Telemetry::start(collector, config.name.clone(), threads, spans)
        .context("cannot start the telemetry thread")?;
    telemetry.receive_all();
    Ok(Some(telemetry))
}

/// Reads the configuration with the options and variables of the start.
fn configuration_reader(
    args: &RunArgs,
    default_file: Option<PathBuf>,
    overlay: Option<PathBuf>,
) -> ReadConfiguration {
    let args = args.clone();
    Box::new(move || {
        let environment = Environment::read()?;
        Config::load(&args, &environment, default_file.as_deref(), |config| {
            with_overlay(config, overlay.as_deref())
        })
    })
}

/// What the configuration names without changes that were kept in the state folder.
fn configured(args: &RunArgs, folders: &UserFolders) -> Configured {
    let mut configured = Configured::default();
    let default_file = folders.config_file();
    if let Ok(environment) = Environment::read()
        && let Ok(config) = Config::load(args, &environment, default_file.as_deref(), Ok)
    {
        configured.add(&config);
    }
    configured
}

/// The settings that change live and were set by an option, and by which kind of it.
fn options_that_change_live(args: &RunArgs) -> BTreeMap<&'static str, &'static str> {
    let options = [
        ("source", "CARRIER_SOURCE", args.source.is_some()),
        ("model", "CARRIER_MODEL", args.model.is_some()),
        ("min_score", "CARRIER_MIN_SCORE", args.min_score.is_some()),
    ];
    let given = options.into_iter().filter(|(_, _, is_given)| *is_given);
    given
        .map(|(key, variable, _)| match environment::value(variable) {
            Some(_) => (key, "environment"),
            None => (key, "flag"),
        })
        .collect()
}

/// The bound sockets of the pages.
struct Listeners {
    http: std::net::TcpListener,
    https: Option<(std::net::TcpListener, Tls)>,
}

impl Listeners {
    fn bind(
        config: &Config,
        folders: &UserFolders,
        network: &NetworkState,
    ) -> anyhow::Result<Self> {
        let https = match config.listen_tls_addr()? {
            Some(listen) => {
                let file = folders.self_signed_file();
                let addresses = network.addresses(&preference(config));
                let addresses = addresses.iter().map(|address| address.ip).collect();
                let tls = Tls::open(config.tls.source()?, file.as_deref(), addresses)?;
                Some((bind(listen, "--listen-tls")?, tls))
            }
            None => None,
        };
        let http = bind(config.listen_addr()?, "--listen")?;
        Ok(Self { http, https })
    }

    fn served(&self) -> anyhow::Result<Served> {
        let https = self.https.as_ref().map(|(listener, tls)| {
            let at = listener.local_addr()?;
            let self_signed = tls.is_self_signed();
            Ok::<_, std::io::Error>(HttpsAddress { at, self_signed })
        });
        Ok(Served {
            http: self
                .http
                .local_addr()
                .context("the HTTP socket has no address")?,
            https: https
                .transpose()
                .context("the HTTPS socket has no address")?,
        })
    }
}

fn bind(listen: SocketAddr, option: &str) -> anyhow::Result<std::net::TcpListener> {
    sockets::bind(listen).map_err(|error| {
        let advice = sockets::bind_advice(listen, option, &error);
        anyhow::Error::from(error).context(advice)
    })
}

/// Standard output may be full or closed: then the station serves all the same.
fn print_banner(listeners: &Listeners, app: &App, has_keys: bool) {
    let hosts: Vec<IpAddr> = app
        .network
        .addresses(&preference(&app.config))
        .iter()
        .map(|address| address.ip)
        .collect();
    let urls = |scheme, at| addresses::urls(scheme, at, &hosts);
    let https = listeners.https.as_ref().zip(app.served.https);
    let configured = app.config.public_url.as_deref();
    let banner = Banner {
        urls: urls(Scheme::Http, app.served.http),
        https: https.map(|((_, tls), https)| (urls(Scheme::Https, https.at), tls.fingerprint())),
        public: app.visitors_address().public,
        is_reachable: configured.is_some() || !app.served.http.ip().is_loopback(),
        has_booth: app.booth.get().is_ok(),
        viewer_token: app.config.viewers.token.as_deref(),
        media_port: app.engine.media_port(),
        admin: &app.admin,
        has_keys,
        on_terminal: stdout().is_terminal(),
    };
    if let Err(error) = print(&banner.text()) {
        tracing::warn!(%error, "the addresses of the pages could not be printed");
    }
}

/// Serves HTTP and HTTPS until a signal asks the program to end.
async fn serve(listeners: Listeners, app: Arc<App>) -> anyhow::Result<()> {
    let threads = app.threads.clone();
    // Before the first answer, so that whoever gets one may send a signal.
    let end_requested = signals::end_requested(threads.clone());
    let end_requested = end_requested.context("cannot listen for signals")?;
    signals::follow(&app);
    tasks::start(&app, "watchers", tasks::follow_watchers);
    tasks::start(&app, "shutter", tasks::follow_shutter_rules);
    tasks::start(&app, "model-changes", tasks::follow_model_changes);
    tasks::start(&app, "watchdog", service_manager::feed_watchdog);
    tasks::start(&app, "network", network::follow);
    tasks::start(&app, "power", follow_power);
    if app.games.is_enabled() {
        tasks::start(&app, "games", games::following::follow);
    }
    tasks::start(&app, "counting", counting::following::follow);
    #[cfg(feature = "mesh")]
    if app.config.mesh.enabled {
        tasks::start(&app, "carriers", crate::carriers::follow);
    }
    events::start(&app)?;
    let connections = &app.connections;
    let router = routes::router(&app);
    let http = supervised(&threads, "http", async || {
        let listener = reopened(&listeners.http)?;
        connections.serve(listener, None, router.clone()).await;
        Ok(())
    });
    let https = async {
        let Some((listener, tls)) = listeners.https else {
            return pending().await;
        };
        let config = tls.server_config().context("HTTPS cannot be set up")?;
        tokio::spawn({
            let threads = threads.clone();
            async move { supervised(&threads, "certificates", || tls.follow_renewals()).await }
        });
        supervised(&threads, "https", async || {
            let (listener, config) = (reopened(&listener)?, Arc::clone(&config));
            let router = router.clone();
            connections.serve(listener, Some(config), router).await;
            Ok(())
        })
        .await
    };
    service_manager::notify_ready();
    tokio::select! {
        served = http => served,
        served = https => served,
        stopped = drain_at_signal(&app, end_requested) => stopped,
    }
}

/// Waits for the signal to end. Then the stop begins: jobs are put back, viewers' sessions end, and pages are still
/// answered for a moment, so that each learns that the station restarts.
async fn drain_at_signal(app: &Arc<App>, requested: Receiver<()>) -> anyhow::Result<()> {
    requested.await?;
    tracing::info!("stopping");
    service_manager::notify_stopping();
    app.stopping.begin();
    let (booth, engine) = (Arc::clone(app), app.engine.clone());
    tokio::task::spawn_blocking(move || booth.booth.close());
    tokio::task::spawn_blocking(move || engine.stop());
    tokio::time::sleep(DRAIN_TIME).await;
    Ok(())
}

/// The same socket again, for a supervised task that may restart.
fn reopened(listener: &std::net::TcpListener) -> anyhow::Result<TcpListener> {
    let same = listener.try_clone().and_then(TcpListener::from_std);
    same.context("the socket cannot be listened on")
}

/// `s` in the terminal closes and opens the shutter, `a` shows the code of the control page, `n` shows the next camera,
/// `g` starts the next game or stops it.
/// With a screen, `s` and others are the screen's: the terminal may be the one behind the display.
fn watch_keys(app: &Arc<App>, screen: Option<Arc<ScreenHandle>>) -> Option<TerminalModes> {
    let app = Arc::clone(app);
    terminal::watch_keys(move |key| {
        if let (Some(screen), Some(key)) = (&screen, Key::of(key.into())) {
            screen.press(key);
            return;
        }
        if key.eq_ignore_ascii_case(&b'a') {
            print_control_page(&app);
        }
        if key.eq_ignore_ascii_case(&b'g') {
            app.games.press_key();
        }
        if key.eq_ignore_ascii_case(&b'n') {
            app.next_camera("terminal");
        }
        if key.eq_ignore_ascii_case(&b's') {
            let closed = !app.shutter.is_closed();
            app.shutter.decide(ShutterState {
                who: Some("terminal".to_owned()),
                ..ShutterState::new(closed, Cause::Person, now_unix_ms())
            });
        }
    })
}

/// The address of the control page, and a code that signs a phone in to it. The token stands in the fragment, which
/// browsers send to nobody.
fn print_control_page(app: &App) {
    let page = app.visitors_address().public.page("/admin", None);
    let code = qr::terminal(&format!("{page}#token={}", app.admin.reveal()));
    let text = format!("{page}\n{}\n", code.unwrap_or_default());
    if let Err(error) = print(&text) {
        tracing::warn!(%error, "the code of the control page could not be printed");
    }
}
