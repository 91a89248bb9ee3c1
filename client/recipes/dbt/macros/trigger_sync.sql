{#- Triggers a sync of Cloud Data Ingestion when everything that dbt ran went well. The profile `dbt` of /etc/cdi.toml on the
    machine of the database says where the server and its key are. -#}
{% macro trigger_sync(integration, results) %}
  {%- set failed = results | rejectattr('status', 'in', ['success', 'pass', 'warn', 'skipped']) | list -%}
  {%- if execute and not failed -%}
    copy (select 1) to program
      'cdi --config /etc/cdi.toml --profile dbt trigger "{{ integration }}" --if-running ignore --quiet'
  {%- endif -%}
{% endmacro %}
