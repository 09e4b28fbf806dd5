"""职业技能电子培训券 (electronic training vouchers): from a bureau's budget to a training institution's account."""
