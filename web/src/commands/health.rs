//! `carrier health`

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::cli::HealthArgs;
use crate::commands::running_station::{agent, local};
use crate::config::Config;
use crate::environment::{Environment, UserFolders};

/// Less than the probes of containers wait.
const TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) fn run(args: &HealthArgs) -> anyhow::Result<ExitCode> {
    let default_file = UserFolders::read().config_file();
    let environment = Environment::read()?;
    let config = Config::load(&args.run, &environment, default_file.as_deref(), Ok)?;
    let at = local(config.listen_addr()?);
    let url = format!("http://{at}{}/healthz", config.http.prefix());
    let mut answer = agent(TIMEOUT)
        .get(&url)
        .call()
        .with_context(|| format!("no station answers at {at}"))?;
    if !answer.status().is_success() {
        let why = answer.body_mut().read_to_string().context("the answer")?;
        bail!("the station at {at} needs a restart: {}", why.trim());
    }
    Ok(ExitCode::SUCCESS)
}
