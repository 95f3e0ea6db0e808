{% macro newest(name) %}
  {{ ref(name) }}
{% endmacro %}
{% macro two() %}{{ newest('customers') }}{% endmacro %}
