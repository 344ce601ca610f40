"""What a kubelet makes of a container's answers to its probes. Pure: times are seconds since the container's start."""

# What Kubernetes assumes where a manifest says nothing.
DEFAULTS = {"initialDelaySeconds": 0, "periodSeconds": 10, "timeoutSeconds": 1, "successThreshold": 1, "failureThreshold": 3}


class Probe:
    def __init__(self, rendered, ports):
        values = {**DEFAULTS, **rendered}
        self.path = values["httpGet"]["path"]
        self.port = ports[values["httpGet"]["port"]]
        self.period_s = values["periodSeconds"]
        self.timeout_s = values["timeoutSeconds"]
        self.thresholds = {True: values["successThreshold"], False: values["failureThreshold"]}
        self.due_s = values["initialDelaySeconds"]
        self.last = None
        self.in_a_row = 0
        # Success or failure, once there were as many in a row as the threshold says.
        self.verdict = None

    @property
    def decides_in_s(self):
        """After a change of the answers, the verdict has changed by then."""
        return self.period_s * (max(self.thresholds.values()) + 1)

    def take(self, status, now_s):
        """A probe succeeds with a status from 200 to 399."""
        succeeded = 200 <= status < 400
        self.in_a_row = self.in_a_row + 1 if succeeded == self.last else 1
        self.last = succeeded
        self.due_s = now_s + self.period_s
        if self.in_a_row >= self.thresholds[succeeded]:
            self.verdict = succeeded


class Probed:
    """One container, from its start to the decision to restart it."""

    def __init__(self, container):
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        names = ["startup", "liveness", "readiness"]
        self.probes = {name: Probe(container[f"{name}Probe"], ports) for name in names}

    @property
    def running(self):
        """Until the first success of the startup probe it is the only one."""
        names = ["liveness", "readiness"] if self.is_started else ["startup"]
        return [self.probes[name] for name in names]

    @property
    def is_started(self):
        return self.probes["startup"].verdict is True

    @property
    def is_ready(self):
        return self.is_started and self.probes["readiness"].verdict is True

    @property
    def is_to_be_restarted(self):
        return any(self.probes[name].verdict is False for name in ["startup", "liveness"])

    def next(self):
        """The probe that is asked next."""
        return min(self.running, key=lambda probe: probe.due_s)
