"""Models with natural keys of encrypted values, forward references and a geometry-like format."""

from __future__ import annotations

from django.db import models

from bt_security import fields


class OwnerManager(models.Manager):
    def get_by_natural_key(self, email):
        return self.get(email=email)


class Owner(models.Model):
    email = fields.EncryptedEmailField(lookup="email", unique=True)
    email_index = fields.BlindIndexField(source="email", unique=True)
    born = fields.EncryptedDateField(null=True)
    extra = models.JSONField(null=True)

    objects = OwnerManager()

    def natural_key(self):
        return (self.email,)


class CarManager(models.Manager):
    def get_by_natural_key(self, plate, number, owner):
        return self.get(plate=plate, number=number, owner__email=owner)


class Car(models.Model):
    plate = models.CharField(max_length=20)
    number = fields.EncryptedIntegerField(lookup="exact")
    number_index = fields.BlindIndexField(source="number", db_index=True)
    owner = models.ForeignKey(Owner, models.CASCADE, null=True, related_name="cars")
    drivers = models.ManyToManyField(Owner, related_name="drives")
    code = fields.EncryptedCharField(max_length=40, null=True, bind_to=("owner",))
    extra = fields.EncryptedJSONField(null=True)

    objects = CarManager()

    def natural_key(self):
        return (self.plate, self.number, *self.owner.natural_key())

    natural_key.dependencies = ["fleet.owner"]


class Trip(models.Model):
    car = models.ForeignKey(Car, models.CASCADE)
    note = models.CharField(max_length=20)


class CarProxy(Car):
    class Meta:
        proxy = True
