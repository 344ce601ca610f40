"""The probes of the rendered Deployment, asked as a kubelet would, while parts of the station are missing or hang."""

import contextlib
import http.server
import socket
import threading
import time

import kubelet
import pod

# A container that has started is probed so much faster than the manifests say.
HASTE = 20


class Watched:
    """A running container and what the kubelet knows of it."""

    def __init__(self, documents, haste):
        self.probed = kubelet.Probed(pod.container_of(documents))
        self.haste = haste
        self.now_s = 0.0

    def turn(self):
        """Waits for the next probe, and asks it."""
        probe = self.probed.next()
        wait_s = max(0.0, probe.due_s - self.now_s)
        time.sleep(wait_s / self.haste if self.probed.is_started else wait_s)
        self.now_s += wait_s
        probe.take(pod.request(probe.path, port=probe.port, timeout_s=probe.timeout_s)[0], self.now_s)

    def until(self, reached, what):
        """Probes until then; a fault if the container is restarted before."""
        limit = time.monotonic() + pod.PATIENCE_S
        while not reached():
            if self.probed.is_to_be_restarted:
                raise SystemExit(f"{what}: it is restarted instead: {pod.ask('/healthz')}")
            if time.monotonic() > limit:
                raise SystemExit(f"{what}: not within {pod.PATIENCE_S} s: {pod.ask('/readyz')}")
            self.turn()

    def stays(self, is_ready, what):
        """Probes as long as any decision would take. Yields a fault if it is restarted, or changes its readiness."""
        end_s = self.now_s + max(probe.decides_in_s for probe in self.probed.running)
        while self.now_s < end_s:
            self.turn()
            if self.probed.is_to_be_restarted:
                yield f"{what}: it is restarted: {pod.ask('/healthz')}"
                return
            if self.probed.is_ready != is_ready:
                yield f"{what}: {'not ' if is_ready else ''}ready: {pod.ask('/readyz')}"
                return


class Camera(http.server.BaseHTTPRequestHandler):
    """A network camera that shows the same picture ten times a second."""

    picture = b""
    is_there = True

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        self.end_headers()
        with contextlib.suppress(OSError):
            while Camera.is_there:
                head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(self.picture)}\r\n\r\n"
                self.wfile.write(head.encode() + self.picture + b"\r\n")
                time.sleep(0.1)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def camera(port):
    Camera.is_there = True
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Camera)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        Camera.is_there = False
        server.shutdown()
        server.server_close()
        thread.join()


def close_shutter(closed):
    head = {"Authorization": f"Bearer {pod.TOKEN}", "Content-Type": "application/json"}
    body = b'{"closed": true}' if closed else b'{"closed": false}'
    return pod.ask("/api/shutter", method="PUT", body=body, **head)[0]


def note():
    return pod.ask("/readyz")[1].strip()


def missing_parts_faults(binary, documents, folder, haste):
    """Ready without a model, with a ComfyUI that never answers, with a closed shutter; restarted when a thread hangs."""
    silent = socket.create_server(("127.0.0.1", 8188))
    of_pod = pod.Pod(binary, documents, folder)
    variables = {
        "CARRIER_COMFYUI": "http://127.0.0.1:8188",
        "CARRIER_MODEL": "/var/lib/carrier/none.onnx",
        "CARRIER_INJECT": "/tmp/inject",
    }
    with silent, of_pod.running(**variables) as station:
        watched = Watched(documents, haste)
        watched.until(lambda: watched.probed.is_ready, "ready without a model and ComfyUI")
        if "without detection" not in note():
            yield f"the missing model is not named: {note()}"
        yield from watched.stays(True, "without a model and ComfyUI")
        Camera.picture = pod.request("/snapshot.jpg")[2]
        if close_shutter(True) != 200:
            yield "the shutter does not close"
        yield from watched.stays(True, "with a closed shutter")
        if "closed" not in note():
            yield f"the closed shutter is not named: {note()}"
        yield from hang_faults(watched, of_pod, station)
    with of_pod.running(**variables):
        watched = Watched(documents, haste)
        watched.until(lambda: watched.probed.is_ready, "ready after the restart")


def hang_faults(watched, of_pod, station):
    """A thread hangs: the kubelet restarts the container."""
    faults = of_pod.volume("tmp") / "inject"
    # The clock of the heartbeats is advanced: 30 s of silence are a hang.
    faults.with_suffix(".new").write_text("media-engine hang\n")
    faults.with_suffix(".new").rename(faults)
    limit = time.monotonic() + 5
    while faults.exists():
        if time.monotonic() > limit:
            print("Skipped: a thread that hangs, since this program injects no faults (it is no debug build)")
            return
        time.sleep(0.1)
    # The others report within a second that they work.
    time.sleep(1)
    faults.with_suffix(".new").write_text("time 40\n")
    faults.with_suffix(".new").rename(faults)
    limit_s = watched.now_s + 10 * watched.probed.probes["liveness"].period_s
    while not watched.probed.is_to_be_restarted:
        if watched.now_s > limit_s:
            yield f"it is not restarted when a thread hangs: {pod.ask('/healthz')}"
            return
        watched.turn()
    if "media-engine hangs" not in pod.ask("/healthz")[1]:
        yield f"it is restarted for another reason: {pod.ask('/healthz')}"
    # A thread that hangs may keep it from ending by itself.
    pod.end(station, of_pod.spec["terminationGracePeriodSeconds"] / watched.haste)


def camera_faults(binary, documents, folder, haste):
    """A camera that goes and comes: alive, not ready meanwhile with the reason, and the page is there."""
    of_pod = pod.Pod(binary, documents, folder)
    with contextlib.ExitStack() as stack:
        with camera(8001):
            stack.enter_context(of_pod.running(CARRIER_SOURCE="mjpeg:http://127.0.0.1:8001/"))
            watched = Watched(documents, haste)
            watched.until(lambda: watched.probed.is_ready, "ready with a camera")
        watched.until(lambda: not watched.probed.is_ready, "not ready without the camera")
        yield from watched.stays(False, "without the camera")
        if pod.ask("/")[0] != 200 or pod.request("/snapshot.jpg")[0] != 200:
            yield f"without the camera: / {pod.ask('/')[0]}, /snapshot.jpg {pod.ask('/snapshot.jpg')[0]}"
        if "camera" not in note():
            yield f"the missing camera is not named: {note()}"
        with camera(8001):
            watched.until(lambda: watched.probed.is_ready, "ready when the camera is back")
