//! `carrier run`: the station itself.

use std::future::pending;
use std::io::{IsTerminal, stdout};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use capture::Threads;
use tokio::net::TcpListener;

use super::print;
use super::wanted::check_wanted;
use crate::addresses::{self, Scheme};
use crate::admin::AdminToken;
use crate::app::{App, Entrance};
use crate::banner::Banner;
use crate::cli::RunArgs;
use crate::config::Config;
use crate::connections;
use crate::cookie_key::CookieKey;
use crate::host_names::HostNames;
use crate::log::Log;
use crate::paths::Paths;
use crate::pipeline::{self, Pipeline};
use crate::public_address::{PublicAddress, SecureDoor, Served};
use crate::tasks::supervised;
use crate::tls::{CertificateNames, Tls};
use crate::{bind_error, routes, stop};

/// HTTP is a page, a few pictures and signalling: the cores belong to the pipeline.
const HTTP_THREADS: usize = 2;
/// Streams never end by themselves: after this, whoever still reads is cut off.
const DRAIN: Duration = Duration::from_millis(500);

/// Where the pages are served.
struct Doors {
    plain: std::net::TcpListener,
    secure: Option<(std::net::TcpListener, Tls)>,
}

pub(crate) fn run(args: &RunArgs, threads: &Threads, log: &Log) -> anyhow::Result<ExitCode> {
    threads.watch().context("cannot start a thread")?;
    let paths = Paths::of_user();
    let config = Config::load(args, paths.config_file().as_deref())?;
    for (key, why) in config.weak_tokens() {
        tracing::warn!("{key} is easily guessed, choose another: {why}");
    }
    let source = config.source.parse::<capture::SourceSpec>()?;
    check_wanted(args, &source, &config.model)?;
    let token_file = paths.admin_token_file();
    let admin = AdminToken::obtain(config.admin_token.as_deref(), token_file.as_deref());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(HTTP_THREADS)
        .enable_all()
        .build()
        .context("cannot start the HTTP threads")?;
    // Bound before anything else starts: a taken port ends in one clear line, not in a teardown.
    let doors = Doors::open(&config, &paths)?;
    let data = config.data_folder(&paths);
    let entrance = Entrance {
        admin,
        cookie_key: CookieKey::obtain(paths.cookie_key_file().as_deref()),
        host_names: HostNames::new(&config, doors.certificate_names()),
        served: doors.served()?,
    };
    let (app, pipeline) = pipeline::start(config, source, entrance, data.as_deref(), threads, log)?;
    announce(&doors, &app);
    runtime.block_on(serve(doors, Arc::clone(&app)))?;
    end(&app, pipeline, runtime);
    Ok(ExitCode::SUCCESS)
}

impl Doors {
    fn open(config: &Config, paths: &Paths) -> anyhow::Result<Self> {
        let secure = match config.listen_tls_addr()? {
            Some(listen) => {
                let keep_in = paths.self_signed_file();
                let addresses = signaling::lan_addresses();
                let tls = Tls::open(config.tls.source()?, keep_in.as_deref(), addresses)?;
                Some((bind(listen, "--listen-tls")?, tls))
            }
            None => None,
        };
        let plain = bind(config.listen_addr()?, "--listen")?;
        Ok(Self { plain, secure })
    }

    fn certificate_names(&self) -> Option<CertificateNames> {
        self.secure.as_ref().map(|(_, tls)| tls.names())
    }

    fn served(&self) -> anyhow::Result<Served> {
        let plain = self.plain.local_addr();
        let secure = self.secure.as_ref().map(|(listener, tls)| {
            let at = listener.local_addr()?;
            let self_signed = tls.is_self_signed();
            Ok::<_, std::io::Error>(SecureDoor { at, self_signed })
        });
        Ok(Served {
            plain: plain.context("the HTTP socket has no address")?,
            secure: secure
                .transpose()
                .context("the HTTPS socket has no address")?,
        })
    }
}

fn bind(listen: SocketAddr, option: &str) -> anyhow::Result<std::net::TcpListener> {
    connections::bind(listen).map_err(|error| {
        let words = bind_error::words(listen, option, &error);
        anyhow::Error::from(error).context(words)
    })
}

/// Standard output may be full or closed: the station serves all the same.
fn announce(doors: &Doors, app: &App) {
    let hosts = signaling::lan_addresses();
    let urls = |scheme, at| addresses::urls(scheme, at, &hosts);
    let secure = doors.secure.as_ref().zip(app.served.secure);
    let configured = app.config.public_url.as_deref();
    let banner = Banner {
        urls: urls(Scheme::Http, app.served.plain),
        https: secure.map(|((_, tls), door)| (urls(Scheme::Https, door.at), tls.fingerprint())),
        public: PublicAddress::now(configured, &app.served, &hosts, app.config.http.prefix()),
        is_reachable: configured.is_some() || !app.served.plain.ip().is_loopback(),
        has_booth: app.booth.get().is_ok(),
        viewer_token: app.config.viewers.token.as_deref(),
        media_port: app.engine.media_port(),
        admin: &app.admin,
        on_terminal: stdout().is_terminal(),
    };
    if let Err(error) = print(&banner.text()) {
        tracing::warn!(%error, "nobody is told the addresses");
    }
}

async fn serve(doors: Doors, app: Arc<App>) -> anyhow::Result<()> {
    let threads = app.threads.clone();
    tokio::spawn({
        let (app, threads) = (Arc::clone(&app), threads.clone());
        async move {
            let follow = || pipeline::follow_watchers(Arc::clone(&app));
            supervised(&threads, "watchers", follow).await;
        }
    });
    let connections = app.connections.clone();
    let router = routes::router(app);
    let plain = supervised(&threads, "http", async || {
        let listener = again(&doors.plain)?;
        connections.serve(listener, None, router.clone()).await;
        Ok(())
    });
    let secure = async {
        let Some((listener, tls)) = doors.secure else {
            return pending().await;
        };
        let config = tls.server_config().context("HTTPS cannot be set up")?;
        tokio::spawn({
            let threads = threads.clone();
            async move { supervised(&threads, "certificates", || tls.follow()).await }
        });
        supervised(&threads, "https", async || {
            let (listener, config) = (again(&listener)?, Arc::clone(&config));
            let router = router.clone();
            connections.serve(listener, Some(config), router).await;
            Ok(())
        })
        .await
    };
    tokio::select! {
        served = plain => served,
        served = secure => served,
        asked = stop::requested() => asked.context("cannot listen for signals"),
    }
}

/// The same socket, for a task that may have to begin again.
fn again(listener: &std::net::TcpListener) -> anyhow::Result<TcpListener> {
    let same = listener.try_clone().and_then(TcpListener::from_std);
    same.context("the socket cannot be listened on")
}

fn end(app: &App, pipeline: Pipeline, runtime: tokio::runtime::Runtime) {
    tracing::info!("ending");
    app.booth.close();
    pipeline.stop();
    runtime.shutdown_timeout(DRAIN);
}
