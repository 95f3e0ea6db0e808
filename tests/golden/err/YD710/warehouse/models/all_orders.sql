{% for country in ["de", "fr"] %}
select * from {{ ref("orders_" ~ country) }}
{% endfor %}
