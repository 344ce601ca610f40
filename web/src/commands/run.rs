//! `carrier run`: the station itself.

use std::future::pending;
use std::io::{IsTerminal, Write, stdout};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;

use crate::addresses::{self, Scheme};
use crate::admin::AdminToken;
use crate::app::App;
use crate::cli::RunArgs;
use crate::config::Config;
use crate::listener::{Caller, PlainListener};
use crate::paths::Paths;
use crate::pipeline::{self, Pipeline};
use crate::public_address::{SecureDoor, Served};
use crate::tls::{Tls, TlsListener};
use crate::{routes, stop};

/// HTTP is a page, a few pictures and signalling: the cores belong to the pipeline.
const HTTP_THREADS: usize = 2;
/// Streams never end by themselves: after this, whoever still reads is cut off.
const DRAIN: Duration = Duration::from_millis(500);

/// Where the pages are served.
struct Doors {
    plain: TcpListener,
    secure: Option<(TcpListener, Tls)>,
}

pub(crate) fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let paths = Paths::of_user();
    let config = Config::load(args, paths.config_file().as_deref())?;
    let source = config.source.parse::<capture::SourceSpec>()?;
    let token_file = paths.admin_token_file();
    let admin = AdminToken::obtain(config.admin_token.as_deref(), &token_file)
        .with_context(|| format!("cannot keep the admin token in {}", token_file.display()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(HTTP_THREADS)
        .enable_all()
        .build()
        .context("cannot start the HTTP threads")?;
    // Bound before anything else starts: a taken port ends in one clear line, not in a teardown.
    let doors = runtime.block_on(Doors::open(&config, &paths))?;
    let data = config.data_folder(&paths);
    let (app, pipeline) = pipeline::start(config, source, admin, doors.served()?, &data)?;
    announce(&doors, &app, &token_file.display().to_string())?;
    runtime.block_on(serve(doors, Arc::clone(&app)))?;
    end(&app, pipeline, runtime);
    Ok(ExitCode::SUCCESS)
}

impl Doors {
    async fn open(config: &Config, paths: &Paths) -> anyhow::Result<Self> {
        let secure = match config.listen_tls_addr()? {
            Some(listen) => {
                let keep_in = paths.self_signed_file();
                let addresses = signaling::lan_addresses();
                let tls = Tls::open(config.tls.source()?, &keep_in, addresses)?;
                Some((bind(listen, "--listen-tls").await?, tls))
            }
            None => None,
        };
        let plain = bind(config.listen_addr()?, "--listen").await?;
        Ok(Self { plain, secure })
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

/// A wildcard without IPv6 in the kernel becomes the IPv4 wildcard.
async fn bind(listen: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    let first = TcpListener::bind(listen).await;
    let bound = match first {
        Err(error) if listen.ip().is_unspecified() && listen.is_ipv6() && no_ipv6(&error) => {
            TcpListener::bind((IpAddr::V4(Ipv4Addr::UNSPECIFIED), listen.port())).await
        }
        other => other,
    };
    bound.with_context(|| {
        format!(
            "cannot listen on {listen}: is another program there? Try {option} with another port"
        )
    })
}

fn no_ipv6(error: &std::io::Error) -> bool {
    const EAFNOSUPPORT: i32 = 97;
    error.raw_os_error() == Some(EAFNOSUPPORT)
        || error.kind() == std::io::ErrorKind::AddrNotAvailable
}

fn announce(doors: &Doors, app: &App, token_file: &str) -> anyhow::Result<()> {
    let bound = app.served.plain;
    let hosts = signaling::lan_addresses();
    let mut out = stdout().lock();
    // A link that lets people in is for whoever stands here; what is not a terminal may be a log.
    let token = app.config.viewers.token.as_deref();
    let link = |url: &String| match token {
        Some(token) if stdout().is_terminal() => format!("{url}?token={token}"),
        _ => url.clone(),
    };
    let urls = addresses::urls(Scheme::Http, bound, &hosts);
    let urls: Vec<String> = urls.iter().map(link).collect();
    let version = env!("CARGO_PKG_VERSION");
    writeln!(out, "carrier {version} is on. Open one of these:")?;
    urls.iter().try_for_each(|url| writeln!(out, "  {url}"))?;
    if let (Some((_, tls)), Some(door)) = (&doors.secure, app.served.secure) {
        let urls = addresses::urls(Scheme::Https, door.at, &hosts);
        let mut urls = urls.iter().map(link);
        urls.try_for_each(|url| writeln!(out, "  {url}"))?;
        writeln!(out, "SHA-256 of the HTTPS certificate:")?;
        writeln!(out, "  {}", tls.fingerprint())?;
    }
    if token.is_some() && !stdout().is_terminal() {
        writeln!(out, "Watching needs the viewer token: add ?token=TOKEN.")?;
    }
    let best = urls
        .first()
        .filter(|_| !bound.ip().is_loopback() && stdout().is_terminal());
    if let Some(qr) = best.and_then(|url| addresses::terminal_qr(url)) {
        writeln!(out, "\n{qr}")?;
    }
    writeln!(
        out,
        "Video goes out on UDP port {}. Ctrl-C ends it.",
        app.engine.media_port()
    )?;
    if app.admin.fresh {
        writeln!(out, "Admin token (shown this once, kept in {token_file}):")?;
        writeln!(out, "  {}", app.admin.reveal())?;
    }
    out.flush()?;
    Ok(())
}

async fn serve(doors: Doors, app: Arc<App>) -> anyhow::Result<()> {
    tokio::spawn(pipeline::follow_watchers(Arc::clone(&app)));
    let tls_metrics = app.tls_metrics.clone();
    let service = routes::router(app).into_make_service_with_connect_info::<Caller>();
    let plain = axum::serve(PlainListener(doors.plain), service.clone());
    let secure = async {
        let Some((listener, tls)) = doors.secure else {
            return pending().await;
        };
        let config = tls.server_config().context("HTTPS cannot be set up")?;
        tokio::spawn(async move { tls.follow().await });
        let listener = TlsListener::new(listener, config, tls_metrics);
        axum::serve(listener, service).await.context("HTTPS ended")
    };
    tokio::select! {
        served = plain => served.context("HTTP ended"),
        served = secure => served,
        asked = stop::requested() => asked.context("cannot listen for signals"),
    }
}

fn end(app: &App, pipeline: Pipeline, runtime: tokio::runtime::Runtime) {
    tracing::info!("ending");
    app.booth.close();
    pipeline.stop();
    runtime.shutdown_timeout(DRAIN);
}
