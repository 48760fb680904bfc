"""Programs that run as part of the measured portal: Django is set up with its settings.

Each prints one JSON object as its last line.
"""

import django

django.setup()
