"""Airflow with the public provider `airflow-provider-braze`, which talks to OpenCDI as it talks to Braze.

The connection `braze_default` names the server, for example in the environment:

    AIRFLOW_CONN_BRAZE_DEFAULT='{"conn_type": "braze", "host": "http://127.0.0.1:8080", "password": "YOUR-REST-API-KEY"}'

The provider finds its own run by comparing the worker's clock with the server's, so both have to be right. It treats a sync
as done even if some of its rows failed; `job_status` in its result says so.
"""

import pendulum
from airflow.models.dag import DAG
from braze_provider.operators.braze_cdi import BrazeRunCDIJobOperator

with DAG(
    dag_id="sync_users_with_provider",
    schedule="@hourly",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
):
    BrazeRunCDIJobOperator(
        task_id="sync_users",
        integration_id="00000000-0000-0000-0000-000000000000",
        poll_interval=5,
        timeout=3000,
    )
