//! The two modes of a virtual terminal, by the calls of `linux/kd.h`.
//!
//! Invariant: each call gets the argument that its number stands for, an integer or a pointer to one.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::AsFd;

use rustix::ioctl::{Getter, IntegerSetter, Opcode, ioctl};

const KDSETMODE: Opcode = 0x4B3A;
const KDGETMODE: Opcode = 0x4B3B;
const KDGKBMODE: Opcode = 0x4B44;
const KDSKBMODE: Opcode = 0x4B45;

/// Who draws on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Graphics {
    /// `KD_TEXT`: the kernel.
    Text,
    /// `KD_GRAPHICS`: a program.
    Pictures,
}

impl Graphics {
    pub(super) fn number(self) -> i32 {
        match self {
            Self::Text => 0,
            Self::Pictures => 1,
        }
    }

    pub(super) fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Pictures,
            _ => Self::Text,
        }
    }
}

/// How keys become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keyboard(pub(super) i32);

impl Keyboard {
    /// `K_OFF`: not at all.
    pub(super) const OFF: Self = Self(4);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConsoleModes {
    pub(super) graphics: Graphics,
    pub(super) keyboard: Keyboard,
}

impl ConsoleModes {
    /// `None`: `terminal` is no virtual terminal.
    pub(super) fn of(terminal: impl AsFd) -> Option<Self> {
        // SAFETY: both calls write one C integer.
        let (graphics, keyboard) = unsafe {
            (
                ioctl(&terminal, Getter::<KDGETMODE, i32>::new()).ok()?,
                ioctl(&terminal, Getter::<KDGKBMODE, i32>::new()).ok()?,
            )
        };
        Some(Self {
            graphics: Graphics::from_number(graphics),
            keyboard: Keyboard(keyboard),
        })
    }

    pub(super) fn set(self, terminal: impl AsFd) -> io::Result<()> {
        let [graphics, keyboard] =
            [self.graphics.number(), self.keyboard.0].map(|number| number as usize);
        // SAFETY: both calls take an integer and no pointer.
        unsafe {
            ioctl(&terminal, IntegerSetter::<KDSETMODE>::new_usize(graphics))?;
            ioctl(&terminal, IntegerSetter::<KDSKBMODE>::new_usize(keyboard))?;
        }
        Ok(())
    }
}
