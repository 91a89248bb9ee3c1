"""Airflow: a task that succeeds only if the sync does.

Put `cdi` on the workers' PATH, and set CDI_URL and CDI_API_KEY in their environment. A retry by Airflow triggers a new sync;
with `--if-running wait` it first waits for a sync that an earlier try has left running.
"""

from datetime import timedelta

import pendulum
from airflow.models.dag import DAG
from airflow.operators.bash import BashOperator

with DAG(
    dag_id="sync_users",
    schedule="@hourly",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
):
    BashOperator(
        task_id="sync_users",
        bash_command="cdi trigger Users --wait --if-running wait --timeout 50m",
        execution_timeout=timedelta(minutes=55),
        retries=2,
        retry_delay=timedelta(minutes=5),
    )
