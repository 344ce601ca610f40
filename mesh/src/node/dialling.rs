//! Finds members and connects to them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use iroh::{Endpoint, EndpointAddr};
use iroh_mdns_address_lookup::{DiscoveryEvent, MdnsAddressLookup};
use tokio::task::JoinSet;

use super::{MeshError, Shared, link, lock};
use crate::CarrierId;
use crate::wire;

/// Of the name under which carriers announce themselves.
const MDNS_SERVICE: &str = "carrier-mesh";
/// How often carriers ask for others. More often costs more than all messages of an idle carrier.
const MDNS_EVERY: Duration = Duration::from_secs(10);
/// Unpaired carriers on the network that are remembered.
const NEARBY_MAX: usize = 64;
const CONNECT_WITHIN: Duration = Duration::from_secs(15);
const BACK_OFF_FIRST: Duration = Duration::from_secs(1);
const BACK_OFF_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The carriers that multicast DNS finds.
pub(super) struct Nearby {
    mdns: Option<MdnsAddressLookup>,
    found: Mutex<BTreeMap<CarrierId, EndpointAddr>>,
    /// Found again since the last look: the address may be another one.
    fresh: Mutex<HashSet<CarrierId>>,
}

impl Nearby {
    pub(super) async fn new(endpoint: &Endpoint, has_mdns: bool) -> Result<Self, MeshError> {
        let mut nearby = Self {
            mdns: None,
            found: Mutex::default(),
            fresh: Mutex::default(),
        };
        if !has_mdns {
            return Ok(nearby);
        }
        let failed = |error: String| MeshError::Mdns(error);
        let mdns = MdnsAddressLookup::builder()
            .service_name(MDNS_SERVICE)
            .discovery_cadence(MDNS_EVERY)
            .build(endpoint.id())
            .map_err(|error| failed(format!("{error:#}")))?;
        let services = endpoint.address_lookup();
        let services = services.map_err(|error| failed(format!("{error:#}")))?;
        services.add(mdns.clone());
        nearby.mdns = Some(mdns);
        Ok(nearby)
    }

    /// Carriers on this network that are no members, for pairing.
    pub(super) fn strangers(&self, is_member: impl Fn(CarrierId) -> bool) -> Vec<EndpointAddr> {
        let found = lock(&self.found);
        let strangers = found.iter().filter(|(id, _)| !is_member(**id));
        strangers.map(|(_, address)| address.clone()).collect()
    }

    fn note(&self, event: DiscoveryEvent) {
        match event {
            DiscoveryEvent::Discovered { endpoint_info, .. } => {
                let id = endpoint_info.endpoint_id;
                let mut found = lock(&self.found);
                if found.len() < NEARBY_MAX || found.contains_key(&id) {
                    found.insert(id, endpoint_info.into_endpoint_addr());
                    drop(found);
                    lock(&self.fresh).insert(id);
                }
            }
            DiscoveryEvent::Expired { endpoint_id } => {
                lock(&self.found).remove(&endpoint_id);
            }
            _ => {}
        }
    }
}

/// Notes which carriers come and go on this network.
pub(super) async fn follow_nearby(shared: Weak<Shared>) {
    let Some(mdns) = shared.upgrade().and_then(|this| this.nearby.mdns.clone()) else {
        return;
    };
    let mut events = mdns.subscribe().await;
    drop(mdns);
    while let Some(event) = events.next().await {
        let Some(this) = shared.upgrade() else { return };
        this.nearby.note(event);
        this.dial.notify_one();
    }
}

#[derive(Debug, Clone, Copy)]
struct BackOff {
    pause: Duration,
    next: Instant,
}

/// Connects to each member that is not connected, with exponential back-off.
pub(super) async fn run(shared: Weak<Shared>) {
    let mut back_off: HashMap<CarrierId, BackOff> = HashMap::new();
    let mut dialled = JoinSet::new();
    let mut dialling: HashSet<CarrierId> = HashSet::new();
    loop {
        let Some(this) = shared.upgrade() else { return };
        if this.endpoint.is_closed() {
            return;
        }
        for peer in lock(&this.nearby.fresh).drain() {
            back_off.remove(&peer);
        }
        let now = Instant::now();
        for peer in this.admission.members() {
            let is_due = back_off.get(&peer).is_none_or(|wait| wait.next <= now);
            let is_open = lock(&this.connections).contains_key(&peer);
            let is_wanted = !this.admission.is_quarantined(peer, now);
            if is_due && !is_open && is_wanted && dialling.insert(peer) {
                dialled.spawn(dial(Arc::clone(&this), peer));
            }
        }
        drop(this);
        let Some(this) = shared.upgrade() else { return };
        tokio::select! {
            Some(done) = dialled.join_next() => {
                let Ok((peer, was_connected)) = done else { continue };
                dialling.remove(&peer);
                let pause = match back_off.get(&peer) {
                    Some(wait) if !was_connected => (wait.pause * 2).min(BACK_OFF_MAX),
                    _ => BACK_OFF_FIRST,
                };
                let next = Instant::now() + pause;
                back_off.insert(peer, BackOff { pause, next });
            }
            () = this.dial.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Connects to `peer` and serves the connection; gives whether there was one.
async fn dial(shared: Arc<Shared>, peer: CarrierId) -> (CarrierId, bool) {
    let address = shared.address_of(peer);
    let connecting = shared.endpoint.connect(address, wire::ALPN);
    match tokio::time::timeout(CONNECT_WITHIN, connecting).await {
        Ok(Ok(connection)) => {
            link::serve(shared, connection, true).await;
            (peer, true)
        }
        Ok(Err(error)) => {
            tracing::debug!(carrier = %peer.fmt_short(), %error, "a carrier was not reached");
            (peer, false)
        }
        Err(_) => (peer, false),
    }
}

impl Shared {
    /// Where `peer` may be: where it was, and the owner's relay. Multicast DNS is asked by the endpoint.
    fn address_of(&self, peer: CarrierId) -> EndpointAddr {
        let known = self.ask(|protocol, _| {
            let member = protocol.members().get(peer);
            member.map_or_else(Vec::new, |member| member.addresses.clone())
        });
        let address = EndpointAddr::new(peer);
        let address = known.into_iter().fold(address, EndpointAddr::with_ip_addr);
        match &self.relay {
            Some(relay) => address.with_relay_url(relay.clone()),
            None => address,
        }
    }
}
