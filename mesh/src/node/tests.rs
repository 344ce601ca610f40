//! Whole carriers on loopback, with addresses given instead of multicast DNS.

use std::collections::BTreeMap;
use std::time::SystemTime;

use iroh::SecretKey;

use super::*;
use crate::protocol::view::CarrierState;
use crate::record::Record;

/// How long something may take until a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder that is removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let unique = format!("carrier-mesh-node-{:016x}", rand::random::<u64>());
        Self(std::env::temp_dir().join(unique))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Pictures are any bytes; cleaning marks them.
#[derive(Default)]
struct FakePictures {
    own: Mutex<BTreeMap<PictureHash, Vec<u8>>>,
}

impl Thumbnails for FakePictures {
    fn own(&self, picture: PictureHash) -> Option<Vec<u8>> {
        lock(&self.own).get(&picture).cloned()
    }

    fn cleaned(&self, jpeg: Vec<u8>) -> Option<Vec<u8>> {
        jpeg.starts_with(b"picture")
            .then(|| [b"clean ", &*jpeg].concat())
    }
}

struct Carrier {
    mesh: Mesh,
    pictures: Arc<FakePictures>,
    folder: Folder,
}

impl Carrier {
    async fn new(name: &str) -> Self {
        Self::in_folder(name, Folder::new()).await
    }

    async fn in_folder(name: &str, folder: Folder) -> Self {
        let pictures = Arc::new(FakePictures::default());
        let mesh = Mesh::start(MeshSettings {
            name: name.to_owned(),
            event: "test".to_owned(),
            folder: folder.0.clone(),
            listen: "127.0.0.1:0".parse().unwrap(),
            has_mdns: false,
            relay: None,
            clock_ms: Box::new(unix_ms),
            thumbnails: Arc::clone(&pictures) as Arc<dyn Thumbnails>,
        });
        Self {
            mesh: mesh.await.unwrap(),
            pictures,
            folder,
        }
    }

    async fn pair(&self, other: &Self) {
        let link = other.mesh.show_code();
        assert_eq!(self.mesh.join_link(&link).await.unwrap(), other.mesh.id());
    }

    fn is_connected_to(&self, other: &Self) -> bool {
        let carriers = self.mesh.carriers();
        let other = carriers.iter().find(|one| one.id == other.mesh.id());
        other.is_some_and(|one| {
            matches!(one.state, CarrierState::Connected { .. }) && one.presence.is_some()
        })
    }

    fn share_picture(&self, content: &[u8]) -> PictureHash {
        let picture = PictureHash::of(content);
        lock(&self.pictures.own).insert(picture, content.to_vec());
        self.share_hash(picture);
        picture
    }

    fn share_hash(&self, picture: PictureHash) {
        let body = RecordBody::Picture {
            picture,
            caption: Slug::try_from("comic").unwrap(),
            expires_at_ms: unix_ms() + 3_600_000,
        };
        self.mesh.share(body).unwrap();
    }

    fn scores(&self) -> Vec<u32> {
        let game = Slug::try_from("object-hunt").unwrap();
        let scores = self.mesh.scores(&game, 10);
        scores.into_iter().map(|one| one.score).collect()
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

fn score(score: u32) -> RecordBody {
    let slug = |text: &str| Slug::try_from(text).unwrap();
    RecordBody::Score {
        game: slug("object-hunt"),
        nickname: [slug("brave"), slug("otter")],
        score,
    }
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_paired_carriers_share_scores_and_pictures() {
    let (north, south) = (Carrier::new("north").await, Carrier::new("south").await);
    let west = Carrier::new("west").await;
    north.pair(&south).await;
    west.pair(&south).await;
    north.pair(&west).await;
    until("all are connected", || {
        let all = [&north, &south, &west];
        let pairs = [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)];
        pairs
            .iter()
            .all(|(one, two)| all[*one].is_connected_to(all[*two]))
    })
    .await;
    let names: Vec<_> = south
        .mesh
        .carriers()
        .into_iter()
        .map(|one| one.name)
        .collect();
    assert!(names.contains(&"north".to_owned()) && names.contains(&"west".to_owned()));
    north.mesh.share(score(100)).unwrap();
    west.mesh.share(score(200)).unwrap();
    until("scores are shared", || south.scores() == [200, 100]).await;

    let picture = north.share_picture(b"picture of an otter");
    until("the picture is here", || {
        south.mesh.thumbnail(picture).is_some()
    })
    .await;
    let cleaned = south.mesh.thumbnail(picture).unwrap();
    assert_eq!(&*cleaned, b"clean picture of an otter", "encoded again");
    north
        .mesh
        .share(RecordBody::Withdrawal { picture })
        .unwrap();
    until("the picture is gone", || {
        south.mesh.thumbnail(picture).is_none() && south.mesh.gallery().is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_keeps_key_members_and_records() {
    let (north, south) = (Carrier::new("north").await, Carrier::new("south").await);
    north.pair(&south).await;
    north.mesh.share(score(7)).unwrap();
    until("the score is shared", || south.scores() == [7]).await;
    let id = south.mesh.id();
    south.mesh.shut_down().await;
    let Carrier { mesh, folder, .. } = south;
    drop(mesh);
    let south = Carrier::in_folder("south", folder).await;
    assert_eq!(south.mesh.id(), id);
    assert_eq!(south.scores(), [7], "from the file");
    south.mesh.share(score(9)).unwrap();
    until("they meet again", || north.scores() == [9, 7]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_code_pairs_nobody() {
    let (north, south) = (Carrier::new("north").await, Carrier::new("south").await);
    let right = south.mesh.show_code();
    let wrong = PairingLink {
        code: PairingCode::random(),
        ..right.clone()
    };
    assert!(matches!(
        north.mesh.join_link(&wrong).await,
        Err(JoinError::WrongCode)
    ));
    assert!(matches!(
        south.mesh.join_link(&right).await,
        Err(JoinError::Itself)
    ));
    south.mesh.hide_code();
    assert!(north.mesh.join_link(&right).await.is_err());
    assert!(north.mesh.carriers().is_empty() && south.mesh.carriers().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_carrier_cannot_connect_again() {
    let (north, south) = (Carrier::new("north").await, Carrier::new("south").await);
    north.pair(&south).await;
    south.mesh.share(score(5)).unwrap();
    until("the score is shared", || north.scores() == [5]).await;
    assert!(north.mesh.revoke(south.mesh.id()));
    assert!(north.mesh.carriers().is_empty() && north.scores().is_empty());
    south.mesh.share(score(6)).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(north.scores().is_empty());
    assert!(!south.is_connected_to(&north));
}

/// A member's key in the hands of somebody hostile.
struct Hostile {
    endpoint: Endpoint,
    key: SecretKey,
}

impl Hostile {
    /// `victim` takes it for a member.
    async fn member_of(victim: &Carrier) -> Self {
        let key = SecretKey::generate();
        let endpoint = Endpoint::builder(presets::Minimal)
            .secret_key(key.clone())
            .clear_ip_transports()
            .bind_addr("127.0.0.1:0".parse::<SocketAddr>().unwrap())
            .unwrap();
        let endpoint = endpoint.bind().await.unwrap();
        let hostile = Self { endpoint, key };
        let id = hostile.endpoint.id();
        victim
            .mesh
            .shared
            .act(|protocol, _| protocol.paired(id, "hostile", []))
            .unwrap();
        hostile
    }

    async fn connect(&self, victim: &Carrier) -> Option<Connection> {
        let address = victim.mesh.shared.endpoint.addr();
        self.endpoint.connect(address, wire::ALPN).await.ok()
    }

    /// Sends raw bytes as the stream of messages; gives the reason with which it was closed.
    async fn send(&self, victim: &Carrier, bytes: &[u8]) -> String {
        let Some(connection) = self.connect(victim).await else {
            return "not connected".to_owned();
        };
        let (mut send, _receive) = match connection.open_bi().await {
            Ok(streams) => streams,
            Err(error) => return error.to_string(),
        };
        let _ = send.write_all(bytes).await;
        let closed = tokio::time::timeout(PATIENCE, connection.closed()).await;
        format!("{}", closed.expect("closed by the victim"))
    }

    fn hello(&self, victim: &Carrier) -> Vec<u8> {
        let hello = Message::Hello(wire::Hello {
            event: victim.mesh.shared.ask(|protocol, _| protocol.event()),
            findable: Vec::new(),
            counts: Vec::new(),
        });
        wire::encode(&hello).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_refused() {
    let north = Carrier::new("north").await;
    let hostile = Hostile::member_of(&north).await;
    north.mesh.revoke(hostile.endpoint.id());
    let why = hostile.send(&north, &hostile.hello(&north)).await;
    assert!(why.contains("not paired"), "{why}");
    let address = north.mesh.shared.endpoint.addr();
    let pairing = hostile.endpoint.connect(address, wire::PAIRING_ALPN).await;
    if let Ok(connection) = pairing {
        let why = connection.closed().await.to_string();
        assert!(why.contains("no code is shown"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_ends_the_connection_and_the_next_is_refused() {
    let north = Carrier::new("north").await;
    let attacks: [fn(&Hostile, &Carrier) -> Vec<u8>; 3] = [
        |_, _| vec![0xff; 100],
        |_, _| [&8_u32.to_le_bytes()[..], &[0xff; 8]].concat(),
        |hostile, north| {
            let ping = wire::encode(&Message::Ping { sent_ms: 0 }).unwrap();
            [hostile.hello(north), ping.repeat(2000)].concat()
        },
    ];
    for attack in attacks {
        let hostile = Hostile::member_of(&north).await;
        let bytes = attack(&hostile, &north);
        let why = hostile.send(&north, &bytes).await;
        assert!(why.contains("broke the protocol"), "{why}");
        let why = hostile.send(&north, &hostile.hello(&north)).await;
        assert!(why.contains("later"), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_is_not_what_its_owner_says_is_never_shown() {
    let lies: [(&str, Vec<u8>, PictureHash); 3] = [
        (
            "another picture",
            b"picture 1".to_vec(),
            PictureHash::of(b"picture 2"),
        ),
        ("no picture", b"text".to_vec(), PictureHash::of(b"text")),
        ("too long", long_picture(), PictureHash::of(&long_picture())),
    ];
    for (name, content, picture) in lies {
        let (north, south) = (Carrier::new("north").await, Carrier::new("south").await);
        north.pair(&south).await;
        until("they are connected", || north.is_connected_to(&south)).await;
        lock(&south.pictures.own).insert(picture, content);
        south.share_hash(picture);
        let id = south.mesh.id();
        until(name, || {
            north
                .mesh
                .shared
                .admission
                .is_quarantined(id, Instant::now())
        })
        .await;
        assert!(north.mesh.thumbnail(picture).is_none(), "{name}");
        assert!(north.mesh.gallery().is_empty(), "{name}");
    }
}

fn long_picture() -> Vec<u8> {
    let mut content = b"picture ".to_vec();
    content.resize(crate::wire::THUMBNAIL_BYTES_MAX + 1, b'x');
    content
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_record_is_not_passed_on() {
    let (north, south) = (Carrier::new("north").await, Carrier::new("south").await);
    north.pair(&south).await;
    until("they are connected", || north.is_connected_to(&south)).await;
    let hostile = Hostile::member_of(&north).await;
    // In the name of south, which north trusts.
    let log = crate::record::LogId {
        owner: south.mesh.id(),
        number: 1,
    };
    let event = north.mesh.shared.ask(|protocol, _| protocol.event());
    let record = Record {
        made_at_ms: 0,
        body: score(1_000_000),
    };
    let mut forged = crate::shared_log::SharedLog::new(event);
    let run = forged.append(&record, log, &hostile.key).unwrap();
    let bytes = [
        hostile.hello(&north),
        wire::encode(&Message::Records(run)).unwrap(),
    ];
    let why = hostile.send(&north, &bytes.concat()).await;
    assert!(why.contains("did not sign"), "{why}");
    assert!(north.scores().is_empty() && south.scores().is_empty());
}
