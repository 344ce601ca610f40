//! Properties of every route: the tests iterate over the route table, so new routes are included.

use std::path::PathBuf;

use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, Response};
use capture::Threads;
use tower::ServiceExt;

use super::*;
use crate::access::admin::AdminToken;
use crate::access::admin_sessions::AdminSessions;
use crate::access::viewer_token::CookieKey;
use crate::app::AccessSetup;
use crate::config::Config;
use crate::http::Caller;
use crate::http::addresses::Served;
use crate::http::host_names::HostNames;
use crate::layers::is_health;
use crate::metrics::Metrics;
use crate::network::NetworkState;
use crate::settings::storage::Storage;
use crate::startup::pipeline::Kept;
use crate::startup::pipeline::{self, Pipeline};

mod contract;

const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

const ADMIN: &str = "orchid-lantern-admin";
const VIEWER: &str = "orchid-lantern-viewer";
const METRICS: &str = "orchid-lantern-metrics";
const FRIEND: &str = "https://player.example";

/// A station without listeners.
struct Station {
    router: Router,
    pipeline: Option<Pipeline>,
    app: Arc<App>,
    folder: PathBuf,
}

impl Station {
    fn start(toml: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("carrier-routes-{:016x}", rand::random::<u64>()));
        let mut config: Config = toml::from_str(toml).expect("a configuration");
        config.model = "none".to_owned();
        config.media_port = 0;
        let setup = AccessSetup {
            admin: AdminToken::obtain(Some(ADMIN), None),
            admin_sessions: AdminSessions::load(ADMIN, None),
            cookie_key: CookieKey::obtain(None),
            host_names: HostNames::new(&config, None),
            served: Served {
                http: "127.0.0.1:8080".parse().expect("an address"),
                https: None,
            },
            network: NetworkState::new(),
        };
        let source = capture::SourceSpec::Scene.into();
        let (app, pipeline) = pipeline::start(
            config,
            source,
            setup,
            Kept {
                settings: Storage::default(),
                read_again: Box::new(|| Ok(Config::default())),
                configured: Default::default(),
                data: Some(folder.clone()),
                state: Some(folder.clone()),
            },
            &Threads::default(),
            &Metrics::default(),
        )
        .expect("it starts");
        Self {
            router: router(&app),
            pipeline: Some(pipeline),
            app,
            folder,
        }
    }

    /// The head of the answer, to a request from a random address, so that rate limits do not interfere.
    async fn ask(&self, method: &Method, path: &str, headers: &[(&str, &str)]) -> Response<()> {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "127.0.0.1:8080");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(axum::body::Body::empty()).expect("a request");
        let caller = Caller {
            ip: std::net::Ipv4Addr::from_bits(rand::random()).into(),
            tls: false,
        };
        request.extensions_mut().insert(ConnectInfo(caller));
        let answer = self.router.clone().oneshot(request).await;
        answer.expect("infallible").map(|_| ())
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        self.app.booth.close();
        if let Some(pipeline) = self.pipeline.take() {
            pipeline.stop();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A path that matches the route.
fn example(route: &Route) -> String {
    let parts = route.path.split('/').map(|part| match part {
        "{*file}" => "main.js",
        "{session}" | "{id}" | "{secret}" => "6f2c1f3e-6f4b-4a3a-9a37-2f3b1e0f7a11",
        "{hash}" => "00",
        "{round}" => "1",
        "{picture}" => "result.jpg",
        "{name}" => "booth.svg",
        "{file}" => "en.json",
        other => other,
    });
    let path = parts.collect::<Vec<_>>().join("/");
    assert!(!path.contains('{'), "no example for {}", route.path);
    path
}

fn questions() -> impl Iterator<Item = (Route, String, Method)> {
    let each = |route: Route| {
        let path = example(&route);
        METHODS.into_iter().map(move |method| {
            let again = Route {
                methods: route.methods.clone(),
                ..route
            };
            (again, path.clone(), method)
        })
    };
    table().into_iter().flat_map(each)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name);
    value.map_or("", |value| value.to_str().expect("text"))
}

fn shown(token: &str) -> [(&str, &str); 1] {
    [("authorization", token)]
}

fn assert_guarded(what: &str, path: &str, headers: &HeaderMap) {
    let policy = header(headers, "content-security-policy");
    let is_strict = policy.contains("default-src 'self'") && !policy.contains("unsafe");
    assert!(is_strict, "{what}: {policy}");
    let framed = policy.ends_with("frame-ancestors 'self' https://site.example");
    assert!(framed, "{what}: {policy}");
    let camera = if ["/camera", "/booth"].contains(&path) {
        "camera=(self)"
    } else {
        "camera=()"
    };
    let permissions = header(headers, "permissions-policy");
    assert!(permissions.starts_with(camera), "{what}: {permissions}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-robots-tag", "noindex"),
    ] {
        assert_eq!(header(headers, name), value, "{what}: {name}");
        assert_eq!(headers.get_all(name).iter().count(), 1, "{what}: {name}");
    }
}

fn configuration() -> String {
    format!(
        "[viewers]\ntoken = '{VIEWER}'\n\
         [http]\norigins = ['{FRIEND}']\nmetrics_token = '{METRICS}'\n\
         frame_ancestors = ['https://site.example']\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_the_security_headers() {
    let station = Station::start(&configuration());
    let admin = format!("Bearer {ADMIN}");
    let admin = ("authorization", admin.as_str());
    let all = questions().map(|(_, path, method)| (path, method));
    let nowhere = ("/nothing/here".to_owned(), Method::GET);
    for (path, method) in all.chain([nowhere]) {
        for headers in [
            &[admin][..],
            &[],
            &[("origin", "https://evil.test")],
            &[("host", "evil.test")],
            &[("host", "a b")],
            &[("origin", FRIEND), admin],
        ] {
            let what = format!("{method} {path} {headers:?}");
            let answer = station.ask(&method, &path, headers).await;
            assert_guarded(&what, &path, answer.headers());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_answers_pages_of_other_sites_or_under_other_names() {
    let station = Station::start(&configuration());
    let admin = format!("Bearer {ADMIN}");
    let admin = ("authorization", admin.as_str());
    for (_, path, method) in questions() {
        let what = format!("{method} {path}");
        let health = is_health(&path);
        let status = |headers: Vec<(&'static str, &'static str)>| {
            let headers: Vec<(&str, &str)> = headers.into_iter().chain([admin]).collect();
            let (station, method, path) = (&station, &method, &path);
            async move {
                let answer = station.ask(method, path, &headers).await;
                let readable = header(answer.headers(), "access-control-allow-origin").to_owned();
                (answer.status().as_u16(), readable)
            }
        };
        for foreign in [
            vec![("origin", "https://evil.test")],
            vec![("origin", "null")],
            vec![
                ("origin", "http://127.0.0.1:9999"),
                ("sec-fetch-site", "same-site"),
            ],
            vec![
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "no-cors"),
            ],
        ] {
            let (status, readable) = status(foreign.clone()).await;
            assert_eq!(status == 403, !health, "{what} {foreign:?}: {status}");
            assert_eq!(readable, "", "{what} {foreign:?}");
        }
        for host in ["evil.test", "evil.test:8080", "127.0.0.1.evil.test"] {
            let (status, _) = status(vec![("host", host)]).await;
            assert_eq!(status == 421, !health, "{what} {host}: {status}");
        }
        let (status, readable) = status(vec![("origin", FRIEND)]).await;
        assert_ne!((status, readable.as_str()), (403, FRIEND), "{what}");
        assert_eq!(readable, FRIEND, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_route_asks_for_what_the_table_says() {
    let station = Station::start(&configuration());
    let bearer = |token: &str| format!("Bearer {token}");
    let (admin, viewer, metrics) = (bearer(ADMIN), bearer(VIEWER), bearer(METRICS));
    for (route, path, method) in questions() {
        let what = format!("{method} {path}");
        let status = async |headers: &[(&str, &str)]| {
            station.ask(&method, &path, headers).await.status().as_u16()
        };
        let (nobody, watches, reads, owns) = (
            status(&[]).await,
            status(&shown(&viewer)).await,
            status(&shown(&metrics)).await,
            status(&shown(&admin)).await,
        );
        let refused = [nobody, watches, reads, owns].map(|status| status == 401);
        let wanted = match route.needs {
            // Pages and publishing check rights in the handler.
            Needs::Nothing => continue,
            Needs::Watch => [true, false, true, false],
            Needs::AdminToChange if method.is_safe() => [true, false, true, false],
            Needs::AdminToChange => [true, true, true, false],
            Needs::Metrics => [true, true, false, false],
            Needs::Admin => [true, true, true, false],
        };
        assert_eq!(refused, wanted, "{what}: {nobody} {watches} {reads} {owns}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_the_owner_named_needs_a_token_and_never_gets_in_by_cookies() {
    let station = Station::start(&configuration());
    let session = station.app.admin_sessions.open();
    let cookie = format!("carrier_admin={session}");
    let cookie = ("cookie", cookie.as_str());
    let status = async |headers: &[(&str, &str)]| {
        let answer = station.ask(&Method::GET, "/api/viewers", headers).await;
        answer.status().as_u16()
    };
    assert_eq!(status(&[cookie]).await, 200);
    assert_eq!(status(&[cookie, ("origin", FRIEND)]).await, 401);
    let asks = [
        ("origin", FRIEND),
        ("access-control-request-method", "POST"),
        (
            "access-control-request-headers",
            "authorization,content-type",
        ),
    ];
    let preflight = station.ask(&Method::OPTIONS, "/whep", &asks).await;
    assert_eq!(preflight.status().as_u16(), 204);
    let headers = preflight.headers();
    assert!(header(headers, "access-control-allow-headers").contains("Authorization"));
    assert_eq!(header(headers, "access-control-allow-credentials"), "");
    assert_eq!(header(headers, "vary"), "Origin");
}

#[test]
fn a_request_that_panics_is_answered_and_so_is_the_next_one() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let routes = Router::new()
        .route(
            "/broken",
            get(async || -> &'static str { panic!("as a handler may") }),
        )
        .route("/sound", get(async || "sound"))
        .layer(CatchPanicLayer::custom(after_panic));
    let at = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let at = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, routes).await });
        at
    });
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = config.build().into();
    for (path, status) in [("broken", 500), ("sound", 200)] {
        let answer = agent.get(format!("http://{at}/{path}")).call();
        assert_eq!(answer.expect("an answer").status(), status, "{path}");
    }
}
