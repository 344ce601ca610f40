//! `carrier run`: the station itself.

use std::io::{IsTerminal, Write, stdout};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::admin::AdminToken;
use crate::app::App;
use crate::cli::RunArgs;
use crate::config::Config;
use crate::paths::Paths;
use crate::pipeline::{self, Pipeline};
use crate::{addresses, routes, stop};

/// HTTP is a page, a few pictures and signalling: the cores belong to the pipeline.
const HTTP_THREADS: usize = 2;
/// Streams never end by themselves: after this, whoever still reads is cut off.
const DRAIN: Duration = Duration::from_millis(500);

pub(crate) fn run(args: &RunArgs) -> anyhow::Result<ExitCode> {
    let paths = Paths::of_user();
    let config = Config::load(args, paths.config_file().as_deref())?;
    let source = config.source.parse::<capture::SourceSpec>()?;
    let listen = config.listen_addr()?;
    let token_file = paths.admin_token_file();
    let admin = AdminToken::obtain(config.admin_token.as_deref(), &token_file)
        .with_context(|| format!("cannot keep the admin token in {}", token_file.display()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(HTTP_THREADS)
        .enable_all()
        .build()
        .context("cannot start the HTTP threads")?;
    // Bound before anything else starts: a taken port ends in one clear line, not in a teardown.
    let listener = runtime.block_on(bind(listen))?;
    let bound = listener
        .local_addr()
        .context("the HTTP socket has no address")?;
    let (app, pipeline) = pipeline::start(config, source, admin)?;
    announce(bound, &app, &token_file.display().to_string())?;
    runtime.block_on(serve(listener, app))?;
    end(pipeline, runtime);
    Ok(ExitCode::SUCCESS)
}

/// A wildcard without IPv6 in the kernel becomes the IPv4 wildcard.
async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    let first = TcpListener::bind(listen).await;
    let bound = match first {
        Err(error) if listen.ip().is_unspecified() && listen.is_ipv6() && no_ipv6(&error) => {
            TcpListener::bind((IpAddr::V4(Ipv4Addr::UNSPECIFIED), listen.port())).await
        }
        other => other,
    };
    bound.with_context(|| {
        format!(
            "cannot listen on {listen}: is another program there? Try --listen with another port"
        )
    })
}

fn no_ipv6(error: &std::io::Error) -> bool {
    const EAFNOSUPPORT: i32 = 97;
    error.raw_os_error() == Some(EAFNOSUPPORT)
        || error.kind() == std::io::ErrorKind::AddrNotAvailable
}

fn announce(bound: SocketAddr, app: &App, token_file: &str) -> anyhow::Result<()> {
    let urls = addresses::urls(bound, &signaling::lan_addresses());
    let mut out = stdout().lock();
    writeln!(
        out,
        "carrier {} is on. Open one of these:",
        env!("CARGO_PKG_VERSION")
    )?;
    urls.iter().try_for_each(|url| writeln!(out, "  {url}"))?;
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

async fn serve(listener: TcpListener, app: Arc<App>) -> anyhow::Result<()> {
    let listener = listener.tap_io(|stream| {
        // Signalling and MJPEG parts are small writes that must not wait for more.
        let _ = stream.set_nodelay(true);
    });
    tokio::spawn(pipeline::follow_watchers(Arc::clone(&app)));
    let service = routes::router(app);
    tokio::select! {
        served = axum::serve(listener, service) => served.context("HTTP ended"),
        asked = stop::requested() => asked.context("cannot listen for signals"),
    }
}

fn end(pipeline: Pipeline, runtime: tokio::runtime::Runtime) {
    tracing::info!("ending");
    pipeline.stop();
    runtime.shutdown_timeout(DRAIN);
}
