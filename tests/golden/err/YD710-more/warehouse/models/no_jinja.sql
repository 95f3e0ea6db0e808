select {% if %}
