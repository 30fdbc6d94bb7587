"""The short names of what the declared sinks fill."""

VECTORS, ORDERS, PRICES, WEATHER = "socialpost", "orders", "price_history", "weather_logs"
