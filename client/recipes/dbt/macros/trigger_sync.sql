{#- Triggers a sync of Cloud Data Ingestion if everything that dbt ran succeeded. The profile `dbt` of /etc/cdi.toml on the
    machine of the database has the server and says where its key is. -#}
{% macro trigger_sync(integration, results) %}
  {%- set failed = results | rejectattr('status', 'in', ['success', 'pass', 'warn', 'skipped']) | list -%}
  {%- if execute and not failed -%}
    copy (select 1) to program
      'cdi --config /etc/cdi.toml --profile dbt trigger "{{ integration }}" --if-running ignore --quiet'
  {%- endif -%}
{% endmacro %}
