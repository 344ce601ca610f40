//! The networks of this machine, and which address visitors are told; for the owner.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::network::choice::AddressReason;
use crate::network::interface::{InterfaceKind, NetworkInterface};
use crate::network::visitors::preference;
use crate::routes::contract::operation::Operation;
use crate::routes::stylise::no_store;

#[derive(Debug, Serialize, JsonSchema)]
struct NetworkReport {
    /// The network of the address in a few words; `null`: there is none.
    summary: Option<String>,
    /// What the codes show.
    address: String,
    reason: AddressReason,
    /// The reason in plain English.
    why: &'static str,
    /// The URL with the name that multicast DNS announces; `null`: none.
    announced: Option<String>,
    /// The interface of the address; `null`: there is none, or `public_url` is configured.
    interface: Option<String>,
    /// The interface that `network.prefer` names.
    prefer: Option<String>,
    interfaces: Vec<InterfaceReport>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct InterfaceReport {
    name: String,
    kind: InterfaceKind,
    is_up: bool,
    /// The default route goes over it.
    is_default_route: bool,
    #[schemars(with = "Vec<String>")]
    addresses: Vec<IpAddr>,
    /// The Wi-Fi network; `null`: not connected, no Wi-Fi, or unknown.
    ssid: Option<String>,
    signal_percent: Option<u8>,
}

impl From<&NetworkInterface> for InterfaceReport {
    fn from(interface: &NetworkInterface) -> Self {
        let addresses = &interface.addresses;
        let wifi = interface.wifi.as_ref();
        Self {
            name: interface.name.clone(),
            kind: interface.kind,
            is_up: interface.is_up,
            is_default_route: addresses.iter().any(|one| one.route_metric.is_some()),
            addresses: addresses.iter().map(|one| one.ip).collect(),
            ssid: wifi.and_then(|wifi| wifi.ssid.clone()),
            signal_percent: wifi.and_then(|wifi| wifi.signal_percent()),
        }
    }
}

/// GET
pub(super) async fn network(State(app): State<Arc<App>>) -> Response {
    let address = app.visitors_address();
    let interfaces = app.network.interfaces();
    let present = app.settings.present();
    no_store(Json(NetworkReport {
        summary: app.network.summary(&preference(&present)),
        address: address.public.best,
        reason: address.reason,
        why: address.reason.in_words(),
        announced: app.network.announced_url(),
        interface: address.interface,
        prefer: present.network.prefer.clone(),
        interfaces: interfaces.iter().map(InterfaceReport::from).collect(),
    }))
}

/// For the OpenAPI document.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get(
            "/api/network",
            "The networks of this machine, and which address visitors are told.",
        )
        .json::<NetworkReport>(200),
    ]
}
