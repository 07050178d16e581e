"""deploy/: what the schemas and linters of others say, and what a real sidecar makes of the settings in there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy import tools
from tests.processes import Sidecars, sidecar_environment
from tests.programs import go_program

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "quic-p2p-sidecar"
KUBERNETES = ("1.29", "1.36")
"""The first with native sidecars, and the newest that the validator knows."""
CHART_VALUES: dict[str, Sequence[str]] = {
    "defaults": (),
    "private CA": ("trust.mode=private-ca", "trust.secret=overlay-trust"),
    "everything": (
        "replicas=5",
        "app.args={serve,--fast}",
        "app.env[0].name=GREETING",
        "app.env[0].value=hello",
        "app.ports[0].containerPort=8080",
        "app.readinessProbe.tcpSocket.port=8080",
        "sidecar.networkId=orders",
        "sidecar.udpPort=7500",
        "sidecar.adminPort=7502",
        "sidecar.role=node",
        "sidecar.bootstrap={peers.example.com:7400}",
        "sidecar.settings.SIDECAR_MAX_MESSAGE_BYTES=128MiB",
        "sidecar.drainFirst=false",
        "persistence.storageClass=fast",
        "networkPolicy.egress[0].ports[0].port=443",
        "podAnnotations.team=orders",
    ),
    "nothing kept": ("persistence.enabled=false", "networkPolicy.enabled=false"),
}

pytestmark = [pytest.mark.clients, pytest.mark.timeout(1200)]


def run(*command: str | Path) -> str:
    """A command's output; AssertionError with it when the command fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def chart(name: str) -> str:
    """The chart with some values."""
    values = [word for value in CHART_VALUES[name] for word in ("--set", value)]
    return run(go_program(tools.HELM), "template", "--kube-version", KUBERNETES[0], "orders", CHART, *values)


def manifests(name: str) -> str:
    """`kustomize build` of a folder of deploy/kubernetes."""
    return run(go_program(tools.KUSTOMIZE), "build", DEPLOY / "kubernetes" / name)


RENDERED = [
    *(pytest.param(chart, name, id=f"chart, {name}") for name in CHART_VALUES),
    *(pytest.param(manifests, name, id=f"manifests, {name}") for name in ("base", "private-ca")),
]


def objects(text: str) -> dict[str, Any]:
    """The objects of a YAML stream by kind, of which there is one each."""
    found = [each for each in yaml.safe_load_all(text) if each]
    assert len({each["kind"] for each in found}) == len(found)
    return {each["kind"]: each for each in found}


def the_sidecar(pod: Mapping[str, Any]) -> dict[str, Any]:
    """The sidecar's container."""
    (found,) = pod["initContainers"]
    assert found["name"] == "sidecar"
    return dict(found)


def environment(container: Mapping[str, Any], pod: str) -> dict[str, str]:
    """What the container's environment is in a Pod of that name."""
    plain = {
        each["name"]: each.get("value", pod if "metadata.name" in json.dumps(each) else "") for each in container["env"]
    }
    return {name: value.replace("$(POD_NAME)", pod) for name, value in plain.items()}


def certify(folder: Path, pod: str) -> None:
    """What the Secret of a CA holds for one Pod, made as deploy/README.md says."""
    cli = (sys.executable, "-m", "sidecar", "ca")
    request = folder / f"{pod}.csr"
    run(*cli, "init", folder / "ca")
    request.write_text(run(*cli, "request", "--state-dir", folder / pod, "--name", pod))
    key = folder / f"{pod}.key"
    shutil.copy(folder / pod / "identity.pem", key)
    key.chmod(0o440)  # as the volume of a Secret has it
    run(*cli, "issue", request, "--ca", folder / "ca", "--name", pod, "--out", folder / f"{pod}.crt")
    for name in ("ca.crt", "ca.crl"):
        shutil.copy(folder / "ca" / name, folder)


@pytest.mark.requires("go")
@pytest.mark.parametrize(("render", "name"), RENDERED)
def test_kubernetes_takes_it(render: Any, name: str, tmp_path: Path) -> None:
    file = tmp_path / "rendered.yaml"
    file.write_text(render(name))
    for version in KUBERNETES:
        run(*tools.kubernetes_validate(), "--strict", "--kubernetes-version", version, file)


def test_kubernetes_would_refuse_a_wrong_one(tmp_path: Path) -> None:
    text = (DEPLOY / "kubernetes/base/statefulset.yaml").read_text()
    file = tmp_path / "wrong.yaml"
    file.write_text(text.replace("readinessProbe:", "readyProbe:"))
    with pytest.raises(AssertionError, match="readyProbe"):
        run(*tools.kubernetes_validate(), "--strict", "--kubernetes-version", KUBERNETES[0], file)


@pytest.mark.requires("go")
@pytest.mark.parametrize(("render", "name"), RENDERED)
def test_it_is_put_together_as_it_must_be(render: Any, name: str) -> None:
    found = objects(render(name))
    service, stateful = found["Service"], found["StatefulSet"]
    pod = stateful["spec"]["template"]
    sidecar = the_sidecar(pod["spec"])
    (app,) = pod["spec"]["containers"]
    ports = {each["name"]: each["containerPort"] for each in sidecar["ports"]}

    assert sidecar["restartPolicy"] == "Always", "a native sidecar"
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    assert stateful["spec"]["serviceName"] == service["metadata"]["name"]
    (quic,) = service["spec"]["ports"]
    assert (quic["port"], quic["protocol"], quic["targetPort"]) == (ports["quic"], "UDP", "quic")
    contact = f"{service['metadata']['name']}:{quic['port']}"
    assert contact in sidecar["args"], "the Service is the contact"

    labels = pod["metadata"]["labels"]
    for selector in (service["spec"]["selector"], stateful["spec"]["selector"]["matchLabels"]):
        assert selector.items() <= labels.items()

    host, _, port = environment(sidecar, "orders-0")["SIDECAR_ADMIN_ENDPOINT"].rpartition(":")
    assert (host, int(port)) == ("0.0.0.0", ports["admin"]), "where the kubelet can ask"
    for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
        assert sidecar[probe]["httpGet"] == {"path": path, "port": "admin"}
    if "drainFirst=false" not in "".join(CHART_VALUES.get(name, ())):
        assert sidecar["lifecycle"]["preStop"]["exec"]["command"] == ["sidecar", "drain", "--no-wait"]

    mounts = {each["name"]: each["mountPath"] for each in sidecar["volumeMounts"]}
    (socket_mount,) = app["volumeMounts"]
    assert socket_mount["mountPath"] == mounts["socket"]
    assert environment(app, "")["SIDECAR_ENDPOINT"] == f"unix:{mounts['socket']}/grpc.sock"
    for container in (sidecar, app):
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"] is True
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
    assert pod["spec"]["securityContext"]["runAsUser"] == pod["spec"]["securityContext"]["fsGroup"] == 65532
    if "NetworkPolicy" in found:
        policy = found["NetworkPolicy"]["spec"]
        assert policy["podSelector"]["matchLabels"].items() <= labels.items()
        peers, monitoring = policy["ingress"][:2]
        assert peers == {"ports": [{"port": ports["quic"], "protocol": "UDP"}]}
        assert monitoring["ports"] == [{"port": ports["admin"], "protocol": "TCP"}]
        assert monitoring["from"]


@pytest.mark.requires("go")
@pytest.mark.parametrize(("render", "name"), RENDERED)
def test_the_sidecar_takes_every_setting(render: Any, name: str, tmp_path: Path) -> None:
    sidecar = the_sidecar(objects(render(name))["StatefulSet"]["spec"]["template"]["spec"])
    verb, *flags = sidecar["args"]
    assert verb == "run"
    certify(tmp_path, "orders-0")
    settings = {
        key: value.replace("/etc/overlay", str(tmp_path))
        for key, value in environment(sidecar, "orders-0").items()
        if key.startswith("SIDECAR_")
    }
    shown = subprocess.run(
        [sys.executable, "-m", "sidecar", "config", "show", "--json", *flags],
        env=sidecar_environment(settings), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    for key in settings:
        assert key.removeprefix("SIDECAR_").lower() in shown.stdout


@pytest.mark.requires("go")
def test_the_probes_find_a_sidecar_that_runs_so(sidecars: Sidecars) -> None:
    sidecar = the_sidecar(objects(chart("defaults"))["StatefulSet"]["spec"]["template"]["spec"])
    process = sidecars.spawn("pod", admin_endpoint="0.0.0.0:0")
    port = process.admin.rpartition(":")[2]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{sidecar[probe]['httpGet']['path']}") as response:
            assert response.status == 200
    command = sidecar["lifecycle"]["preStop"]["exec"]["command"]
    drained = subprocess.run(
        [sys.executable, "-m", *command], env=sidecar_environment({"SIDECAR_ENDPOINT": process.endpoint}),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert drained.returncode == 0, drained.stderr
    assert process.process is not None
    assert process.process.wait(timeout=30) == 0


@pytest.mark.requires("go")
def test_helm_finds_nothing_wrong() -> None:
    run(go_program(tools.HELM), "lint", "--strict", CHART)


@pytest.mark.requires("go")
@pytest.mark.parametrize(
    "value",
    [
        "replicas=many",
        "sidecar.role=hermit",
        "sidecar.udpPort=80",
        "sidecar.bootstrap={nowhere}",
        "sidecar.settings.PATH=/bin",
        "trust.mode=private-ca",
        "unknown=1",
    ],
)
def test_the_chart_refuses_wrong_values(value: str) -> None:
    refused = subprocess.run(
        [go_program(tools.HELM), "template", "--kube-version", KUBERNETES[0], "orders", CHART, "--set", value],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert refused.returncode != 0
    assert "schema" in refused.stderr


@pytest.mark.parametrize(
    "file",
    sorted(
        str(each.relative_to(ROOT))
        for each in ROOT.glob("**/Dockerfile")
        if ".venv" not in each.parts and "node_modules" not in each.parts
    ),
)
def test_hadolint_finds_nothing_wrong(file: str) -> None:
    run(tools.hadolint(), "--failure-threshold", "warning", ROOT / file)


@pytest.mark.requires("systemd")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "quic-p2p-sidecar.service"
    text = (DEPLOY / "systemd" / unit.name).read_text()
    installed, count = re.subn(r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}", text, flags=re.MULTILINE)
    assert count == 1
    unit.write_text(installed)
    assert run("systemd-analyze", "verify", "--man=no", unit) == ""
    # 0 is a service that can do nothing, 10 one that can do everything; its network is what this one has over 1.
    run("systemd-analyze", "security", "--offline=yes", "--threshold=15", unit)
    run("systemd-sysusers", "--dry-run", DEPLOY / "systemd" / "sysusers.conf")


@pytest.mark.requires("systemd")
def test_the_unit_s_settings_are_the_sidecar_s() -> None:
    text = (DEPLOY / "systemd" / "quic-p2p-sidecar.service").read_text()
    (line,) = re.findall(r"^Environment=(.*)$", text, flags=re.MULTILINE)
    settings = dict(word.split("=", 1) for word in line.split())
    shown = subprocess.run(
        [sys.executable, "-m", "sidecar", "config", "show"],
        env=sidecar_environment(settings), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
