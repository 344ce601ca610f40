//! How long anything may take, and how often the server is asked.

use std::time::Duration;

/// All times of the client. The defaults fit a server in the same network; tests are in a hurry.
#[derive(Debug, Clone)]
pub struct Pace {
    /// To reach the server.
    pub connect: Duration,
    /// For a small answer. While models load, Python answers late.
    pub call: Duration,
    /// For the picture on its way there.
    pub upload: Duration,
    /// For the picture on its way back.
    pub download: Duration,
    /// Between two looks into queue and history.
    pub look: Duration,
    /// Between two looks once the server said that it is done: it says so before it is in the history.
    pub hurry: Duration,
    /// Between our pings: the server sends none.
    pub ping: Duration,
    /// A socket on which nothing came for so long is dead.
    pub silence: Duration,
    /// Between two attempts to have a WebSocket.
    pub reconnect: Duration,
    /// A server that answers nothing for so long is away.
    pub away: Duration,
    /// How long after an order whose answer was lost it is still believed to be on its way.
    pub on_its_way: Duration,
    /// An order that is still behind others in the server's queue after so long is given up.
    pub queue_max: Duration,
    /// One that is at work, and takes no step and reaches no node for so long, is given up.
    pub step_max: Duration,
    /// The same before the first step: models of many gigabytes are read from disk then, in silence.
    pub loading_max: Duration,
    /// Between two surveys of a server that is there.
    pub survey_ready: Duration,
    /// And of one that is away.
    pub survey_away: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(3),
            call: seconds(8),
            upload: seconds(15),
            download: seconds(30),
            look: seconds(2),
            hurry: Duration::from_millis(150),
            ping: seconds(15),
            silence: seconds(40),
            reconnect: seconds(5),
            away: seconds(15),
            on_its_way: seconds(5),
            queue_max: seconds(3600),
            step_max: seconds(60),
            loading_max: seconds(180),
            survey_ready: seconds(60),
            survey_away: seconds(10),
        }
    }
}
