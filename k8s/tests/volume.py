"""What a new pod finds in the volume of the one before: the container's root is gone, the volume is kept."""

import hashlib
import json
import signal
import ssl

import pod

STYLE = "cartoon"


def head(token):
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def change(path, method, value, token):
    status, text = pod.ask(path, method=method, body=json.dumps(value).encode(), **head(token))
    if status not in range(200, 300):
        raise SystemExit(f"{method} {path}: {status} {text}")
    return text


def json_of(path, **headers):
    status, text = pod.ask(path, **headers)
    if status != 200:
        raise SystemExit(f"{path}: {status} {text}")
    return json.loads(text)


def result(job):
    status, _, jpeg = pod.request(f"/api/stylise/{job}/result.jpg")
    if status != 200:
        raise SystemExit(f"the picture of a job that is done: {status} {jpeg[:200]}")
    return jpeg


def picture_of(job):
    return hashlib.sha256(result(job)).hexdigest()


def settings(token):
    return {s["key"]: (s["value"], s["origin"]) for s in json_of("/api/settings", **head(token))["settings"]}


def fingerprint():
    certificate = ssl.get_server_certificate(("127.0.0.1", 8443))
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest()


def order(photo=None):
    """A job for the station itself, with a photo or a picture of the feed."""
    form = f'--form\r\nContent-Disposition: form-data; name="style"\r\n\r\n{STYLE}\r\n'.encode()
    if photo:
        form += b'--form\r\nContent-Disposition: form-data; name="image"; filename="photo.jpg"\r\n\r\n' + photo + b"\r\n"
    form += b"--form--\r\n"
    status, text = pod.ask("/api/stylise", method="POST", body=form, Content_Type="multipart/form-data; boundary=form")
    if status != 202:
        raise SystemExit(f"/api/stylise: {status} {text}")
    return json.loads(text)["id"]


def is_done(job):
    state = json_of(f"/api/stylise/{job}")["state"]
    if state not in ["queued", "running", "done"]:
        raise SystemExit(f"the job is {state}")
    return state == "done"


def sign_in(token):
    """The cookie of the owner's browser."""
    status, headers, text = pod.request("/api/admin/session", method="POST", body=b"", Authorization=f"Bearer {token}")
    if status != 204:
        raise SystemExit(f"/api/admin/session: {status} {text}")
    return headers["Set-Cookie"].partition(";")[0]


def state(token, cookie, job):
    """What a new pod must find as it was."""
    report = json_of(f"/api/stylise/{job}")
    audit = json_of("/api/admin/audit", **head(token))["entries"]
    return {
        "shutter": json_of("/api/shutter")["closed"],
        "audit": [entry for entry in audit if entry["by"] == "person"],
        "session of the owner": pod.ask("/api/admin/session", Cookie=cookie)[0],
        "certificate": fingerprint(),
        "kept setting": settings(token)["min_score"],
        "job": (report["state"], report["style"]),
        "picture": picture_of(job),
    }


def faults(binary, documents, folder, _haste):
    """`documents`: with HTTPS. There is no secret: the token is in the volume, too."""
    of_pod = pod.Pod(binary, documents, folder)
    variables = {"CARRIER_ADMIN_TOKEN": None, "CARRIER_SOURCE": "scene"}
    with of_pod.running(**variables) as station:
        pod.until(lambda: pod.ask("/readyz")[0] == 200, "ready")
        token = of_pod.execute("token", **variables).strip().splitlines()[-1]
        cookie = sign_in(token)
        job = order()
        pod.until(lambda: is_done(job), "the picture is made")
        change("/api/settings?save=1", "PATCH", {"min_score": 0.625}, token)
        change("/api/shutter", "PUT", {"closed": True}, token)
        before = state(token, cookie, job)
        wanted = {"shutter": True, "session of the owner": 204, "kept setting": (0.625, "saved")}
        for what, value in wanted.items():
            if before[what] != value:
                yield f"{what}: {before[what]}"
        if before["job"][0] != "done" or not before["audit"]:
            yield f"the job is {before['job']}, the audit has {len(before['audit'])} entries"
        station.terminate()
        station.wait(pod.PATIENCE_S)
    unfinished = None
    for end in [signal.SIGKILL, signal.SIGTERM, None]:
        with of_pod.running(**variables) as station:
            if unfinished:
                pod.until(lambda: is_done(unfinished), "a job that the end of the former pod interrupted is made")
            after = state(token, cookie, job)
            for what in before:
                if before[what] != after[what]:
                    yield f"a new pod has another {what}: {before[what]} before, {after[what]} now"
            if end:
                unfinished = order(result(job))
                station.send_signal(end)
                station.wait(pod.PATIENCE_S)
