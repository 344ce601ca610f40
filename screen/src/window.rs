//! A window of a Wayland or X11 session, full screen at first: `F` changes that, and Esc leaves it.

use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;

use softbuffer::{Context, Surface};
use winit::application::ApplicationHandler;
use winit::event::{ElementState, TouchPhase, WindowEvent};
use winit::event_loop::{ActiveEventLoop, EventLoop};
use winit::keyboard::{Key as WindowKey, NamedKey};
use winit::monitor::MonitorHandle;
use winit::platform::pump_events::{EventLoopExtPumpEvents, PumpStatus};
use winit::platform::wayland::EventLoopBuilderExtWayland;
use winit::platform::x11::EventLoopBuilderExtX11;
use winit::window::{Fullscreen, Window, WindowId};

use crate::output::{Key, OutputEvent, ScreenError, ScreenOutput};
use crate::picture::ScreenPicture;

pub(crate) struct WindowOutput {
    events: EventLoop<()>,
    opened: Opened,
}

/// What the event loop calls.
struct Opened {
    monitor: Option<String>,
    window: Option<Rc<Window>>,
    surface: Option<Surface<Rc<Window>, Rc<Window>>>,
    error: Option<ScreenError>,
    happened: Vec<OutputEvent>,
}

fn failed(error: impl std::fmt::Display) -> ScreenError {
    ScreenError::Window(format!("no window can be opened: {error}"))
}

impl WindowOutput {
    /// Opens the window on the monitor of that name, or on the first one. A process can do this once.
    pub(crate) fn open(monitor: Option<String>) -> Result<Self, ScreenError> {
        let mut builder = EventLoop::builder();
        EventLoopBuilderExtX11::with_any_thread(&mut builder, true);
        EventLoopBuilderExtWayland::with_any_thread(&mut builder, true);
        let events = builder.build().map_err(failed)?;
        let opened = Opened {
            monitor,
            window: None,
            surface: None,
            error: None,
            happened: Vec::new(),
        };
        let mut output = Self { events, opened };
        output.pump()?;
        if output.opened.surface.is_none() {
            return Err(failed("the session gives none"));
        }
        Ok(output)
    }

    fn pump(&mut self) -> Result<(), ScreenError> {
        let status = self
            .events
            .pump_app_events(Some(Duration::ZERO), &mut self.opened);
        if let PumpStatus::Exit(_) = status {
            self.opened.happened.push(OutputEvent::Closed);
        }
        self.opened.error.take().map_or(Ok(()), Err)
    }
}

impl ScreenOutput for WindowOutput {
    fn size(&self) -> (u32, u32) {
        let size = self
            .opened
            .window
            .as_ref()
            .map(|window| window.inner_size());
        size.map_or((2, 2), |size| (size.width.max(2), size.height.max(2)))
    }

    fn describe(&self) -> String {
        let (width, height) = self.size();
        format!("a window of {width}x{height}")
    }

    fn present(
        &mut self,
        picture: &mut ScreenPicture,
        may_show: &dyn Fn() -> bool,
    ) -> Result<(), ScreenError> {
        let (width, height) = picture.size();
        let sides = NonZeroU32::new(width).zip(NonZeroU32::new(height));
        let (Some(surface), Some((columns, rows))) = (&mut self.opened.surface, sides) else {
            return Ok(());
        };
        surface.resize(columns, rows).map_err(failed)?;
        let mut buffer = surface.buffer_mut().map_err(failed)?;
        picture.rows(|y, row| {
            let line = buffer.chunks_exact_mut(width as usize).nth(y);
            for (to, from) in line.unwrap_or_default().iter_mut().zip(row.chunks_exact(4)) {
                *to = u32::from_le_bytes([from[0], from[1], from[2], 0]);
            }
        })?;
        if may_show() {
            buffer.present().map_err(failed)?;
        }
        Ok(())
    }

    fn events(&mut self) -> Result<Vec<OutputEvent>, ScreenError> {
        self.pump()?;
        Ok(std::mem::take(&mut self.opened.happened))
    }

    fn leave_full_screen(&mut self) {
        if let Some(window) = &self.opened.window {
            window.set_fullscreen(None);
        }
    }
}

impl Opened {
    fn open(&mut self, events: &ActiveEventLoop) -> Result<(), ScreenError> {
        let named = |monitor: &MonitorHandle| monitor.name() == self.monitor;
        let monitors: Vec<MonitorHandle> = events.available_monitors().collect();
        let monitor = monitors.iter().find(|monitor| named(monitor));
        if let (None, Some(name)) = (monitor, &self.monitor) {
            let names: Vec<String> = monitors.iter().filter_map(MonitorHandle::name).collect();
            let names = names.join(", ");
            tracing::warn!("there is no monitor {name}; there are: {names}");
        }
        let monitor = monitor.or(monitors.first());
        let mut attributes = Window::default_attributes()
            .with_title("carrier")
            .with_fullscreen(Some(Fullscreen::Borderless(monitor.cloned())));
        // Without a window manager nobody makes it full screen.
        if let Some(monitor) = monitor {
            attributes = attributes.with_inner_size(monitor.size());
        }
        let window = Rc::new(events.create_window(attributes).map_err(failed)?);
        window.set_cursor_visible(false);
        let context = Context::new(Rc::clone(&window)).map_err(failed)?;
        self.surface = Some(Surface::new(&context, Rc::clone(&window)).map_err(failed)?);
        self.window = Some(window);
        Ok(())
    }

    fn press(&mut self, key: &WindowKey) {
        let Some(window) = &self.window else { return };
        let key = match key {
            WindowKey::Character(letter) if letter.eq_ignore_ascii_case("f") => {
                let is_full = window.fullscreen().is_some();
                window.set_fullscreen((!is_full).then_some(Fullscreen::Borderless(None)));
                None
            }
            WindowKey::Character(letter) => letter.chars().next().and_then(Key::of),
            WindowKey::Named(NamedKey::Escape) => Some(Key::Escape),
            WindowKey::Named(NamedKey::Enter) => Some(Key::Enter),
            WindowKey::Named(NamedKey::Backspace) => Some(Key::Erase),
            _ => None,
        };
        self.happened.extend(key.map(OutputEvent::Pressed));
    }
}

impl ApplicationHandler for Opened {
    fn resumed(&mut self, events: &ActiveEventLoop) {
        if self.window.is_none() {
            self.error = self.open(events).err();
        }
    }

    fn window_event(&mut self, _events: &ActiveEventLoop, _window: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::CloseRequested | WindowEvent::Destroyed => {
                self.happened.push(OutputEvent::Closed);
            }
            WindowEvent::Resized(_) | WindowEvent::RedrawRequested => {
                self.happened.push(OutputEvent::Redraw);
            }
            WindowEvent::KeyboardInput { event, .. }
                if event.state == ElementState::Pressed && !event.repeat =>
            {
                self.press(&event.logical_key);
            }
            // A tap shows the codes.
            WindowEvent::Touch(touch) if touch.phase == TouchPhase::Started => {
                self.happened.push(OutputEvent::Pressed(Key::Codes));
            }
            _ => {}
        }
    }
}
