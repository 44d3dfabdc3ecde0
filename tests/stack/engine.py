"""The Docker engine: the one that answers here. In CI the script starts its own engine and stops it afterwards."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from tools import ARCHITECTURE, TARGET, WORK, Failed, clean_environment, heading, run, start, stop, until

# The name that SAM's images use for a processor.
PROCESSOR = {"x86_64": "x86_64", "arm64": "arm64"}[ARCHITECTURE]
# The image from which `sam local` builds its own.
BASE = f"public.ecr.aws/lambda/provided:al2023-{PROCESSOR}"
PACKAGES = ["docker.io", "runc", "iptables", "busybox-static"]
WITHOUT = "CI_WITHOUT_CONTAINERS"


@contextlib.contextmanager
def engine():
    """The environment in which `docker` reaches an engine. `None` if there is no engine and none is needed."""
    environment = clean_environment()
    if answers(environment):
        yield environment
    elif os.environ.get(WITHOUT) == "1":
        print(f"   NOT RUN: containers, because {WITHOUT}=1", flush=True)
        yield None
    elif not os.environ.get("CI"):
        print("   NOT RUN: containers, because no Docker engine answers here", flush=True)
        yield None
    elif os.geteuid() != 0:
        raise Failed(f"no Docker engine answers, and only root can start one; {WITHOUT}=1 does without")
    else:
        with own_engine() as environment:
            yield environment


def answers(environment):
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], env=environment, capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def own_engine():
    """Starts an engine of our own. All of its files are in target/ except the socket, whose path must be short."""
    if not shutil.which("dockerd") or not pathlib.Path("/bin/busybox").exists():
        heading(f"install: {' '.join(PACKAGES)}")
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-q"], env=quiet)
        run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *PACKAGES], env=quiet)
    heading("engine: dockerd, of our own")
    with tempfile.TemporaryDirectory(prefix="runtally-") as folder:
        socket = f"unix://{folder}/docker.sock"
        environment = clean_environment(DOCKER_HOST=socket)
        command = ["dockerd", "-H", socket, "--data-root", TARGET / "dockerd", "--exec-root", f"{folder}/exec"]
        process = start([*command, "--pidfile", f"{folder}/engine.pid"], "dockerd.log", env=clean_environment())
        try:
            until(lambda: answers(environment) or process.poll() is not None, "the engine answers", 60)
            if process.poll() is not None:
                raise Failed(f"dockerd ended; {WITHOUT}=1 does without\n{(WORK / 'dockerd.log').read_text()[-2000:]}")
            yield environment
        finally:
            stop(process)


def lambda_image(environment):
    """Provides the image that SAM needs. If it is missing, the smallest image that the functions need is imported from
    this machine's files, without a registry. True if the image must not be pulled."""
    has = lambda name: subprocess.run(["docker", "image", "inspect", name], env=environment, capture_output=True, check=False)
    if has(BASE).returncode == 0:
        return
    heading(f"image: {BASE}, of busybox and this machine's C library")
    with tempfile.TemporaryDirectory(prefix="runtally-") as folder:
        root = pathlib.Path(folder)
        for name in ("bin", "etc", "opt", "tmp", "var/task", "var/runtime", "var/rapid"):
            (root / name).mkdir(parents=True)
        shutil.copy("/bin/busybox", root / "bin")
        for name in ("sh", "mv", "chmod", "cp", "rm", "ls", "cat"):
            (root / "bin" / name).symlink_to("busybox")
        for library in libraries():
            to = root / library.relative_to("/")
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, to)
        (root / "tmp").chmod(0o1777)
        (root / "etc" / "nsswitch.conf").write_text("hosts: files dns\n")
        archive = run(["tar", "-C", root, "-cf", f"{folder}.tar", "."]) or f"{folder}.tar"
        try:
            variables = "LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime PATH=/usr/local/bin:/usr/bin:/bin:/opt/bin"
            changes = ["--change", "WORKDIR /var/task", "--change", f"ENV {variables}"]
            run(["docker", "import", *changes, archive, BASE], env=environment)
        finally:
            pathlib.Path(archive).unlink()


def libraries():
    """The files of the C library that a Rust program may load, and the program that loads them."""
    names = ("libc.so.6", "libm.so.6", "libgcc_s.so.1", "libpthread.so.0", "libdl.so.2", "librt.so.1")
    names += ("libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2")
    machine = os.uname().machine
    found = [pathlib.Path(f"/lib/{machine}-linux-gnu/{name}") for name in names]
    loader = {"x86_64": "/lib64/ld-linux-x86-64.so.2", "aarch64": "/lib/ld-linux-aarch64.so.1"}[machine]
    return [one for one in [*found, pathlib.Path(loader)] if one.exists()]
