//! Boxes at video rate against the scene's truth: what a viewer sees, not what inference returned.

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::{Frame, Next, Slot};

