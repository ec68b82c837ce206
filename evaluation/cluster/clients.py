"""A client of the Dask cluster that makes a run: an existing one, or processes of this machine."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from data_utils.facts import Fault, fact_of
from evaluation.run.progress import job_folder
from evaluation.store.files import remove

CONNECT_S = 10


class ClusterError(Fault):
    """A cluster that cannot be used, or is gone."""


def workers_folder(outputs: Path) -> Path:
    """Return where the processes of a run keep their files; nothing in it outlasts the run."""
    return job_folder(outputs) / "workers"


@contextmanager
def client_of(scheduler: str) -> Iterator[Any]:
    """Connect to an existing cluster; raises ClusterError if there is none."""
    distributed = _quiet_dask()
    try:
        client = distributed.Client(scheduler, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError, RuntimeError, TypeError) as error:
        told = fact_of(error)
        raise ClusterError("cluster_unreachable", address=scheduler, error=told) from error
    try:
        yield client
    finally:
        with suppress(Exception):  # of a scheduler that is gone
            client.close(timeout=2)


@contextmanager
def client_of_processes(threads: int, folder: Path) -> Iterator[Any]:
    """Make a cluster of processes of this machine, none as yet; they end when this process does.

    They take orders from this process only, by a certificate made for this run.

    Parameters
    ----------
    threads : int
        Pictures that each may read at a time.
    folder : Path
        For their files; removed in the end.
    """
    distributed = _quiet_dask()
    import dask

    remove(folder)  # of a run that was killed
    # Dask would set variables of this process for each that it starts.
    config = {"temporary-directory": str(folder), "distributed.nanny.pre-spawn-environ": {}}
    with dask.config.set(config):
        cluster = distributed.LocalCluster(
            n_workers=0,
            threads_per_worker=1,
            memory_limit=0,
            env={"OMP_NUM_THREADS": str(threads)},
            security=True,
            silence_logs=logging.CRITICAL,
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        )
        try:
            client = distributed.Client(cluster, set_as_default=False)
            yield client
            client.close()
            cluster.close()
        except BaseException:  # nobody waits for what the processes do
            cluster.shutdown_on_close = False
            for nanny in cluster.workers.values():
                nanny.close_gracefully()  # starts no other in its place
                with suppress(psutil.NoSuchProcess):
                    if nanny.pid:
                        psutil.Process(nanny.pid).kill()
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _quiet_dask() -> Any:
    try:
        import cryptography  # noqa: F401  for the certificates of Dask
        import distributed
    except ImportError as error:
        raise ClusterError("cluster_no_dask") from error
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # a lost scheduler is one sentence here
    return distributed
