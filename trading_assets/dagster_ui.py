"""Dagster's own web server behind the guard of loopback servers: `python -m trading_assets.dagster_ui WORKSPACE PORT`.

Dagster carries out GraphQL mutations that arrive as plain GET, from any origin and any host: a web page in the same browser
could launch a run. It has no setting against that.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import uvicorn
from dagster import DagsterInstance, __version__
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context

from resources.dagster_home import watch_code_server_calmly
from trading_assets.same_origin import SameOrigin

GRAPHQL = frozenset({"/graphql"})
STATEMENT_TIMEOUT_MS, POOL_RECYCLE_S, POOL_OVERFLOW = 15_000, 3600, 20


def main() -> None:
    """Serve the UI on 127.0.0.1 until SIGTERM or SIGINT; what it writes is for its user alone."""
    os.umask(0o077)
    parser = argparse.ArgumentParser(description="Dagster's UI on 127.0.0.1, for this machine's user alone.")
    parser.add_argument("workspace", type=Path, help="Dagster's workspace file")
    parser.add_argument("port", type=int)
    arguments = parser.parse_args()
    watch_code_server_calmly()
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(STATEMENT_TIMEOUT_MS, POOL_RECYCLE_S, POOL_OVERFLOW)
        target = WorkspaceFileTarget([str(arguments.workspace)])
        with WorkspaceProcessContext(instance, target, version=__version__) as workspace:
            app = SameOrigin(create_app_from_workspace_process_context(workspace), posted_only=GRAPHQL)
            uvicorn.run(app, host="127.0.0.1", port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
