//! Publishes the station's state to an MQTT broker, and takes commands from it if the owner allows that.
//!
//! Each connection has a client of its own and begins with the whole state, so that nothing of an earlier one is sent
//! late.

mod messages;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::Backoff;
use rumqttc::{
    AsyncClient, ClientError, ConnectionError, Event, EventLoop, LastWill, MqttOptions,
    NetworkOptions, Packet, Publish, QoS,
};
use tokio::time::{Interval, MissedTickBehavior, interval};

use self::messages::{MqttMessage, MqttNode, OFFLINE, ONLINE, closes, topic_word};
use super::destination::BrokerAddress;
use super::event::EventDetail;
use super::sampling;
use crate::app::App;
use crate::config::Config;
use crate::metrics::EventFollowerKind;
use crate::shutter::{Cause, ShutterState, now_unix_ms};
use crate::stills::StillKind;

const CONNECT_WITHIN_S: u64 = 10;
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const RECONNECT: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
/// Requests that wait for the connection; more wait in their task.
const REQUESTS: usize = 16;
const PACKET_BYTES_IN_MAX: usize = 64 << 10;
/// A picture of the largest rendition is far smaller.
const PACKET_BYTES_OUT_MAX: usize = 8 << 20;

/// Publishes until the program ends, over one connection after another.
pub(crate) async fn publish_state(app: Arc<App>, broker: BrokerAddress) {
    let mut node = node(&app.config);
    let mut backoff = RECONNECT;
    let mut told = None;
    loop {
        // It may have changed.
        node.title.clone_from(&app.settings.present().name);
        let (client, mut connection) = AsyncClient::new(options(&node, &broker), REQUESTS);
        let mut network = NetworkOptions::new();
        network.set_connection_timeout(CONNECT_WITHIN_S);
        connection.set_network_options(network);
        let Err(error) = run(&app, &mut node, &client, &mut connection, &mut backoff).await;
        let was_connected = app.events.metrics.mqtt_connected.set(0) == 1;
        let why = error.to_string();
        // Once for each reason, not for each attempt.
        if was_connected || told.as_ref() != Some(&why) {
            tracing::warn!(
                broker = broker.shown(),
                why,
                "no connection to the MQTT broker"
            );
            told = Some(why);
        }
        tokio::time::sleep(backoff.failed(Instant::now())).await;
    }
}

fn node(config: &Config) -> MqttNode {
    MqttNode {
        name: topic_word(&config.events.node_name()),
        title: config.name.clone(),
        page: config.public_url.clone(),
        takes_commands: config.events.mqtt_commands,
        sends_pictures: config.events.mqtt_snapshot_s > 0,
        seen: BTreeSet::new(),
    }
}

fn options(node: &MqttNode, broker: &BrokerAddress) -> MqttOptions {
    let id = format!("carrier-{}", node.name);
    let mut options = MqttOptions::new(id, broker.host.clone(), broker.port);
    if let Some((name, password)) = &broker.login {
        options.set_credentials(name, password);
    }
    let offline = node.availability(OFFLINE);
    let will = LastWill::new(offline.topic, offline.payload, QoS::AtLeastOnce, true);
    options
        .set_keep_alive(KEEP_ALIVE)
        .set_max_packet_size(PACKET_BYTES_IN_MAX, PACKET_BYTES_OUT_MAX)
        .set_last_will(will);
    options
}

#[derive(Debug, thiserror::Error)]
enum BrokerError {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error(transparent)]
    Client(#[from] ClientError),
}

enum Never {}

/// One connection, until it ends.
async fn run(
    app: &Arc<App>,
    node: &mut MqttNode,
    client: &AsyncClient,
    connection: &mut EventLoop,
    backoff: &mut Backoff,
) -> Result<Never, BrokerError> {
    while !matches!(
        connection.poll().await?,
        Event::Incoming(Packet::ConnAck(_))
    ) {}
    backoff.running(Instant::now());
    app.events.metrics.mqtt_connected.set(1);
    tracing::info!(node = node.name, "connected to the MQTT broker");
    let commands = node.topic("shutter/set");
    let receiving = async {
        loop {
            if let Event::Incoming(Packet::Publish(message)) = connection.poll().await?
                && message.topic == commands
            {
                follow_command(app, &message).await;
            }
        }
    };
    tokio::select! {
        ended = receiving => ended,
        ended = publish(app, node, client) => ended,
    }
}

async fn publish(
    app: &Arc<App>,
    node: &mut MqttNode,
    client: &AsyncClient,
) -> Result<Never, BrokerError> {
    if node.takes_commands {
        let commands = node.topic("shutter/set");
        client.subscribe(commands, QoS::AtLeastOnce).await?;
    }
    for message in node.discovery() {
        send(client, message).await?;
    }
    let mut follower = sampling::follow(app, EventFollowerKind::Mqtt, None);
    let mut pictures = picture_times(app.config.events.mqtt_snapshot_s);
    let mut is_first = true;
    loop {
        tokio::select! {
            event = follower.next() => {
                for message in node.messages(&event) {
                    send(client, message).await?;
                }
                if std::mem::take(&mut is_first) {
                    send(client, node.availability(ONLINE)).await?;
                }
                // What is shown has changed: a card, or a picture with less in it.
                let is_new_look = matches!(
                    event.detail,
                    EventDetail::Shutter(_) | EventDetail::Privacy { .. }
                );
                if let Some(times) = pictures.as_mut().filter(|_| is_new_look) {
                    times.reset_immediately();
                }
            }
            () = tick(pictures.as_mut()) => send_picture(app, node, client).await?,
        }
    }
}

/// When pictures are sent; `None`: never.
fn picture_times(every_s: u64) -> Option<Interval> {
    let every = Some(Duration::from_secs(every_s)).filter(|every| !every.is_zero())?;
    let mut times = interval(every);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Some(times)
}

async fn tick(times: Option<&mut Interval>) {
    match times {
        Some(times) => _ = times.tick().await,
        None => std::future::pending().await,
    }
}

async fn send(client: &AsyncClient, message: MqttMessage) -> Result<(), ClientError> {
    let MqttMessage {
        topic,
        payload,
        retain,
    } = message;
    client
        .publish(topic, QoS::AtLeastOnce, retain, payload)
        .await
}

/// The bytes of `/snapshot.jpg`. They are not retained: a broker keeps what is retained.
async fn send_picture(app: &App, node: &MqttNode, client: &AsyncClient) -> Result<(), ClientError> {
    let slots = &app.slots;
    let picture = app
        .stills
        .fresh(&slots.demand, &slots.composed, StillKind::FULL);
    match picture.await {
        Ok(jpeg) => {
            let topic = node.topic("picture");
            client
                .publish_bytes(topic, QoS::AtMostOnce, false, jpeg)
                .await
        }
        Err(error) => {
            tracing::debug!(%error, "no picture for the MQTT broker");
            Ok(())
        }
    }
}

/// A command counts as a person's: whoever may publish to its topic may open the shutter. A retained one is from an
/// unknown time and is ignored.
async fn follow_command(app: &Arc<App>, message: &Publish) {
    let Some(closed) = closes(&message.payload).filter(|_| !message.retain) else {
        tracing::warn!(
            "a command over MQTT was neither \"open\" nor \"closed\", or retained; it is ignored"
        );
        return;
    };
    if !app.config.events.mqtt_commands {
        return;
    }
    let app = Arc::clone(app);
    let deciding = tokio::task::spawn_blocking(move || {
        app.shutter.decide(ShutterState {
            who: Some("mqtt".to_owned()),
            ..ShutterState::new(closed, Cause::Person, now_unix_ms())
        })
    });
    if let Err(error) = deciding.await {
        tracing::error!(%error, "a command over MQTT could not change the shutter");
    }
}
